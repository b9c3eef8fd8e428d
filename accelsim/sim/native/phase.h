// One phase of a program, as program.py defines it, read from a flat list of words (encode.py writes it).
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace accelsim {

using i64 = std::int64_t;
using i128 = __int128;
using Ints = std::vector<i64>;

constexpr i64 FOREVER = i64(1) << 62;
constexpr i64 ROOM = i64(1) << 60;  // of durations, lags, instances and amounts
constexpr i64 LATEST = i64(1) << 62;  // a time below it and a duration and a lag are within 64 bits together

struct TooLarge {};  // thrown: a time or an amount leaves the room of 64 bits

inline i64 checked(i128 value, i64 room) {
    if (value >= room || value <= -room) throw TooLarge();
    return i64(value);
}

// Quotient and rest as Python has them: the rest has the sign of the divisor.
inline i64 quotient(i64 a, i64 b) {
    if (b == 1) return a;  // rows of the innermost level: most of all divisions
    i64 q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}
inline i64 rest(i64 a, i64 b) { return b == 1 ? 0 : a - quotient(a, b) * b; }

// What a digit counts in a sum; digits that do not count are not listed.
struct Term {
    i64 level, factor;
};
using Terms = std::vector<Term>;

inline Terms terms_of(const Ints& factors) {
    Terms found;
    for (std::size_t n = 0; n < factors.size(); ++n)
        if (factors[n]) found.push_back({i64(n), factors[n]});
    return found;
}

struct Plane {
    Ints coefficients;
    i64 constant;
    Ints inner;
    Terms terms;
};

struct Guard {
    Ints first, last;
    std::vector<Plane> planes;
    bool is_always() const { return first.empty() && last.empty() && planes.empty(); }
};

struct Wait {
    i64 producer;
    Ints strides;
    i64 offset;
    Ints inner;
    bool at_start;
    i64 lag, longest_lag, cause;
    Guard guard;
    Ints needs, lags;
    Terms terms;
};

struct Amounts {
    i64 pool;
    Ints by_class;
};

struct Task {
    i64 queue;
    Ints durations;
    i64 shift, inner;
    Guard guard;
    Ints ragged, inner_class;
    i64 inner_classes;
    Ints kinds;
    std::vector<Wait> waits;
    std::vector<Amounts> takes, gives;
};

struct Item {
    i64 task, k;
};

struct Queue {
    i64 resource;
    std::vector<Item> body;
};

// The digits of an iteration, outer to inner.
inline void digits_of(const Ints& counts, i64 iteration, Ints& digits) {
    for (std::size_t n = counts.size(); n-- > 1;) {
        i64 more = iteration / counts[n];
        digits[n] = iteration - more * counts[n];
        iteration = more;
    }
    if (!counts.empty()) digits[0] = iteration;
}

struct Phase {
    Ints counts, rows;
    i64 iterations = 1, slots = 0, resources = 0, causes = 0, buffers = 0;
    i64 classes = 0, stalls = 0;  // of all tasks; of all queues, each with the causes that it can have
    Ints stall_at;                // by queue and cause: which of all stalls, -1: none
    std::vector<Queue> queues;
    std::vector<Task> tasks;
    Ints pools;  // the buffer of each pool
    bool looks_up = false;

    explicit Phase(const i64* words) : at_(words) {
        counts = list();
        rows.assign(counts.size(), 1);
        for (std::size_t n = counts.size(); n-- > 1;) rows[n - 1] = rows[n] * counts[n];
        for (i64 count : counts) iterations *= count;
        resources = next();
        causes = next();
        buffers = next();
        pools = list();
        queues.resize(next());
        for (Queue& queue : queues) {
            queue.resource = next();
            queue.body.resize(next());
            for (Item& item : queue.body) {
                item.task = next();
                item.k = next();
            }
        }
        tasks.resize(next());
        for (Task& task : tasks) read(task);
        i64 shift = 0;
        stall_at.assign(queues.size() * std::size_t(causes), -1);
        for (const Task& task : tasks) {
            classes += i64(task.durations.size());
            for (const Wait& wait : task.waits)
                if (i64& at = stall_at[task.queue * causes + wait.cause]; at < 0) at = stalls++;
            shift = task.shift > shift ? task.shift : shift;
            looks_up |= !task.kinds.empty();
            for (const Wait& wait : task.waits) looks_up |= !wait.needs.empty() || !wait.lags.empty();
        }
        slots = iterations ? iterations + shift : 0;
    }

    bool holds(const Guard& guard, const Ints& digits, i64 k) const {
        for (i64 n : guard.first)
            if (digits[n] != 0) return false;
        for (i64 n : guard.last)
            if (digits[n] != counts[n] - 1) return false;
        for (const Plane& plane : guard.planes) {
            i64 value = plane.constant + (plane.inner.empty() ? 0 : plane.inner[k]);
            for (const Term& term : plane.terms) value += term.factor * digits[term.level];
            if (value < 0) return false;
        }
        return true;
    }

    // The class of an instance; -1 if its table says that it is inactive.
    i64 kind_of(const Task& task, const Ints& digits, i64 iteration, i64 k) const {
        i64 kind = 0, bit = 1;
        for (i64 n : task.ragged) {
            kind += bit * (n >= 0 ? digits[n] == counts[n] - 1 : digits[~n] == 0);
            bit *= 2;
        }
        if (!task.inner_class.empty()) kind += bit * task.inner_class[k];
        if (!task.kinds.empty()) {
            if (task.kinds[iteration] < 0) return -1;
            kind += bit * task.inner_classes * task.kinds[iteration];
        }
        return kind;
    }

    // Whether the innermost digit or k has a say in a guard.
    bool looks_inside(const Guard& guard) const {
        i64 last = i64(counts.size()) - 1;
        auto is_last = [last](i64 n) { return n == last; };
        return std::any_of(guard.first.begin(), guard.first.end(), is_last) ||
               std::any_of(guard.last.begin(), guard.last.end(), is_last) ||
               std::any_of(guard.planes.begin(), guard.planes.end(), [last](const Plane& plane) {
                   return !plane.inner.empty() || (!plane.terms.empty() && plane.terms.back().level == last);
               });
    }

    // The instance that a wait needs (negative: met).
    i64 need_of(const Wait& wait, const Ints& digits, i64 iteration, i64 k) const {
        if (!wait.guard.is_always() && !holds(wait.guard, digits, k)) return -1;
        i64 need = wait.offset;
        for (const Term& term : wait.terms) need += term.factor * digits[term.level];
        if (!wait.inner.empty()) need += wait.inner[k];
        if (!wait.needs.empty()) need += wait.needs[iteration];
        return need;
    }

  private:
    const i64* at_;

    i64 next() { return *at_++; }

    Ints list() {
        i64 count = next();
        Ints found(at_, at_ + count);
        at_ += count;
        return found;
    }

    Guard guard() {
        Guard found;
        found.first = list();
        found.last = list();
        found.planes.resize(next());
        for (Plane& plane : found.planes) {
            plane.coefficients = list();
            plane.terms = terms_of(plane.coefficients);
            plane.constant = next();
            plane.inner = list();
        }
        return found;
    }

    std::vector<Amounts> amounts() {
        std::vector<Amounts> found(next());
        for (Amounts& one : found) {
            one.pool = next();
            one.by_class = list();
        }
        return found;
    }

    void read(Task& task) {
        task.queue = next();
        task.durations = list();
        task.shift = next();
        task.inner = next();
        task.guard = guard();
        task.ragged = list();
        task.inner_class = list();
        task.inner_classes = next();
        task.kinds = list();
        task.waits.resize(next());
        for (Wait& wait : task.waits) {
            wait.producer = next();
            wait.strides = list();
            wait.terms = terms_of(wait.strides);
            wait.offset = next();
            wait.inner = list();
            wait.at_start = next() != 0;
            wait.lag = next();
            wait.longest_lag = next();
            wait.cause = next();
            wait.guard = guard();
            wait.needs = list();
            wait.lags = list();
        }
        task.takes = amounts();
        task.gives = amounts();
    }
};

}  // namespace accelsim
