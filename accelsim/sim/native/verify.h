// When a step may be taken at another place of the nest: sim/verify.py, condition by condition.
#pragma once
#include <numeric>

#include "state.h"

namespace accelsim {

constexpr i64 SPAN = 64;  // longest run of prefixes in a step that is worth checking
constexpr i64 NONE = INT64_MIN, NEVER = INT64_MIN + 1;

// A half plane at a level: the least and most that inner levels add, and what all they add is a multiple of.
struct LevelPlane {
    const Ints* coefficients;
    i64 constant, low, high, grain;
    Terms terms;  // of the digits up to the level
};

struct LevelGuard {
    Ints first, last;
    std::vector<LevelPlane> planes;
    bool is_free() const { return first.empty() && last.empty() && planes.empty(); }
};

struct Bounds {
    i64 low, high;
};

class Verifier {
  public:
    Stepper& stepper;
    const Phase& phase;
    i64 ref;
    const Ints &rows, &counts;
    Ints tops;
    std::vector<std::vector<std::vector<Bounds>>> reach;       // by level, task, wait
    std::vector<std::vector<std::vector<LevelGuard>>> guards;  // by level, task; its own, then by wait

    Verifier(Stepper& of, i64 clock)
        : stepper(of), phase(of.phase), ref(clock), rows(phase.rows), counts(phase.counts) {
        std::size_t levels = rows.size();
        reach.resize(levels);
        guards.resize(levels);
        plain_.resize(levels);
        for (std::size_t n = 0; n < levels; ++n) {
            tops.push_back(stepper.total / rows[n]);
            for (const Task& task : phase.tasks) {
                std::vector<Bounds> bounds;
                std::vector<LevelGuard> mine{at_level(task.guard, n)};
                for (const Wait& wait : task.waits) {
                    bounds.push_back(inside(wait.strides, n, wait.inner));
                    mine.push_back(at_level(wait.guard, n));
                }
                bool plain = true;
                for (const LevelGuard& guard : mine) plain = plain && guard.is_free();
                for (i64 edge : task.ragged) plain = plain && (edge < 0 ? ~edge : edge) > i64(n);
                plain_[n].push_back(plain);
                reach[n].push_back(bounds);
                guards[n].push_back(mine);
            }
        }
    }

    void digits(std::size_t level, i64 prefix, Ints& found) const {
        found.resize(level + 1);
        for (std::size_t n = level + 1; n-- > 0;) {
            i64 more = quotient(prefix, counts[n]);
            found[n] = prefix - more * counts[n];
            prefix = more;
        }
    }

    // The signatures where the queues are: part of the key of the memo of a level.
    void start_signature(std::size_t level, const Snapshot& snap, Ints& words) {
        for (std::size_t task = 0; task < phase.tasks.size(); ++task) {
            i64 queue = stepper.owner[task];
            if (snap.status[queue] == DONE) {
                words.push_back(0);
                continue;
            }
            std::size_t place = words.size();
            words.push_back(2);
            if (is_off(level, i64(task), quotient(snap.slot[queue] - stepper.shift[task], rows[level]), words)) words[place] = 1;
        }
    }

    // The longest run of prefixes that a queue looks at in a step.
    i64 span(std::size_t level, const Snapshot& a, const Snapshot& b) const {
        i64 most = NONE;
        for (std::size_t q = 0; q < a.slot.size(); ++q)
            most = std::max(most, b.slot[q] / rows[level] - a.slot[q] / rows[level]);
        return most;
    }

    // Whether a step goes the same way from another state with the same key.
    bool fits(std::size_t level, Step& step, const Snapshot& at) {
        const Snapshot& a = *step.a;
        i64 shift = at.slot[ref] - a.slot[ref];
        if (shift % rows[level]) return false;
        moved_.clear();
        for (std::size_t t = 0; t < phase.tasks.size(); ++t)
            moved_.push_back(step.anchored[stepper.owner[t]] ? shift * stepper.inner[t] : at.reached[t] - a.reached[t]);
        if (!queue_fits(level, step, at, step.suspect)) return false;
        for (i64 q = 0; q < i64(a.slot.size()); ++q)
            if (q != step.suspect && !queue_fits(level, step, at, q)) {
                step.suspect = q;  // it is likely to be the one the next time too
                return false;
            }
        return true;
    }

    // How often a step whose end state has the key of its start may follow itself at once.
    i64 repeats(std::size_t level, const Step& step) {
        const Snapshot &a = *step.a, &b = *step.b;
        i64 row = rows[level], stride = b.slot[ref] - a.slot[ref];
        i64 by = quotient(stride, row);
        if (rest(stride, row) || by <= 0 || span(level, a, b) > SPAN) return 0;
        i64 n = FOREVER;
        for (std::size_t q = 0; q < step.anchored.size(); ++q) {
            if (!step.anchored[q]) {
                if (a.status[q] == DONE) continue;
                const Item& item = phase.queues[q].body[b.item[q]];
                if (!plan(item, b.slot[q], needs_)) return 0;
                const std::vector<Wait>& waits = phase.tasks[item.task].waits;
                for (std::size_t w = std::size_t(a.wait[q]); w < waits.size(); ++w)
                    n = std::min(n, drift(waits[w].producer, needs_[w], {0, 0}, 0, step, stride));
                continue;
            }
            if (b.slot[q] - a.slot[q] != stride || a.item[q] != b.item[q]) return 0;
            n = std::min(n, quotient(stepper.slots - 1 - b.slot[q], stride));
            for (i64 task : stepper.used[q]) {
                i64 first = quotient(a.slot[q] - stepper.shift[task], row);
                i64 last = quotient(b.slot[q] - stepper.shift[task], row);
                for (i64 x = first; x <= last; ++x) {
                    n = std::min(n, steady(level, task, x, by, step, stride));
                    if (n <= 0) return 0;
                }
            }
        }
        return n;
    }

  private:
    std::vector<std::vector<char>> plain_;  // by level and task: neither guards nor classes that its digits decide
    struct Known {
        i64 prefix = NONE;
        Ints digits;
    };
    static constexpr std::size_t KNOWN = 64;
    std::vector<Known> known_[2] = {std::vector<Known>(KNOWN), std::vector<Known>(KNOWN)};  // two places at once
    Ints mine_, theirs_, moved_, needs_, needs_there_, at_;

    Bounds inside(const Ints& coefficients, std::size_t level, const Ints& inner) const {
        Bounds found{0, 0};
        if (!inner.empty()) {
            found.low = *std::min_element(inner.begin(), inner.end());
            found.high = *std::max_element(inner.begin(), inner.end());
        }
        for (std::size_t n = level + 1; n < counts.size(); ++n) {
            found.low += std::min(i64(0), coefficients[n] * (counts[n] - 1));
            found.high += std::max(i64(0), coefficients[n] * (counts[n] - 1));
        }
        return found;
    }

    LevelGuard at_level(const Guard& guard, std::size_t level) const {
        LevelGuard found;
        for (i64 n : guard.first)
            if (n <= i64(level)) found.first.push_back(n);
        for (i64 n : guard.last)
            if (n <= i64(level)) found.last.push_back(n);
        for (const Plane& plane : guard.planes) {
            Bounds bounds = inside(plane.coefficients, level, plane.inner);
            i64 grain = 0;
            for (std::size_t n = level + 1; n < counts.size(); ++n)
                if (counts[n] > 1) grain = std::gcd(grain, plane.coefficients[n]);
            for (i64 one : plane.inner) grain = std::gcd(grain, one);
            found.planes.push_back({&plane.coefficients, plane.constant, bounds.low, bounds.high, grain ? grain : 1, terms_of(upto(plane.coefficients, level))});
        }
        return found;
    }

    static Ints upto(const Ints& factors, std::size_t level) {
        return Ints(factors.begin(), factors.begin() + i64(level) + 1);
    }

    static i64 value_of(const LevelPlane& plane, const Ints& digits) {
        i64 value = plane.constant;
        for (const Term& term : plane.terms) value += term.factor * digits[term.level];
        return value;
    }

    bool at_edges(const LevelGuard& guard, const Ints& digits) const {
        for (i64 n : guard.first)
            if (digits[n] != 0) return false;
        for (i64 n : guard.last)
            if (digits[n] != counts[n] - 1) return false;
        return true;
    }

    // Whether a task is off at a prefix; else what its guards and classes are there (nothing: always the same).
    bool is_off(std::size_t level, i64 number, i64 prefix, Ints& sign) {
        if (prefix < 0 || prefix >= tops[level]) return true;
        return !plain_[level][number] && is_off_at(level, number, digits_at(level, prefix), sign);
    }

    bool is_off_at(std::size_t level, i64 number, const Ints& at, Ints& sign) const {
        const Task& task = phase.tasks[number];
        std::size_t begun = sign.size();
        for (std::size_t w = 0; w <= task.waits.size(); ++w) {
            const LevelGuard& guard = guards[level][number][w];
            if (w && guard.is_free()) continue;
            bool test = at_edges(guard, at);
            for (const LevelPlane& plane : guard.planes) {
                i64 value = value_of(plane, at);
                test = test && value + plane.high >= 0;
                sign.push_back(value + plane.low >= 0    ? NONE
                               : value + plane.high < 0 ? NEVER
                                                        : quotient(value, plane.grain));
            }
            if (w) {
                sign.push_back(test);
            } else if (!test) {
                sign.resize(begun);
                return true;
            }
        }
        for (i64 n : task.ragged) {
            i64 edge = n < 0 ? ~n : n;
            if (edge <= i64(level)) sign.push_back(at[edge] == (n < 0 ? 0 : counts[edge] - 1));
        }
        return false;
    }

    // The need of a wait at the digits of a prefix where its task is not off, at inner digits and k of 0;
    // NONE: guarded off.
    i64 need(std::size_t level, i64 number, std::size_t w, const Ints& at) const {
        const Wait& wait = phase.tasks[number].waits[w];
        const LevelGuard& guard = guards[level][number][w + 1];
        if (!guard.is_free()) {
            if (!at_edges(guard, at)) return NONE;
            for (const LevelPlane& plane : guard.planes)
                if (value_of(plane, at) + plane.high < 0) return NONE;
        }
        i64 found = wait.offset;
        for (const Term& term : wait.terms) {
            if (term.level > i64(level)) break;
            found += term.factor * at[term.level];
        }
        return found;
    }

    // The digits of a prefix, not below 0; a few places are asked for again and again.
    const Ints& digits_at(std::size_t level, i64 prefix, bool other = false) {
        Known& known = known_[other][(std::size_t(prefix) + 5 * level) % KNOWN];
        if (known.prefix != prefix || known.digits.size() != level + 1) {
            known.prefix = prefix;
            digits(level, prefix, known.digits);
        }
        return known.digits;
    }

    // The needs of an item in a slot; false if it is inactive.
    bool plan(const Item& item, i64 slot, Ints& needs) {
        const Task& task = phase.tasks[item.task];
        i64 iteration = slot - stepper.shift[item.task];
        at_.resize(counts.size());
        digits_of(counts, iteration, at_);
        if (!phase.holds(task.guard, at_, item.k)) return false;
        needs.clear();
        for (const Wait& wait : task.waits) needs.push_back(phase.need_of(wait, at_, iteration, item.k));
        return true;
    }

    // Whether a queue finds in all of a step what it found then.
    bool queue_fits(std::size_t level, const Step& step, const Snapshot& at, i64 q) {
        const Snapshot &a = *step.a, &b = *step.b;
        if (!step.anchored[q]) return a.status[q] == DONE || parked(q, step, at);
        i64 row = rows[level], shift = at.slot[ref] - a.slot[ref];
        if (at.slot[q] != a.slot[q] + shift || b.slot[q] + shift >= stepper.slots) return false;
        i64 by = quotient(shift, row);
        for (i64 task : stepper.used[q]) {
            i64 first = quotient(a.slot[q] - stepper.shift[task], row);
            i64 last = quotient(b.slot[q] - stepper.shift[task], row);
            const std::vector<Wait>& waits = phase.tasks[task].waits;
            for (i64 x = first; x <= last; ++x) {
                bool inside = x >= 0 && x < tops[level];
                if (inside != (x + by >= 0 && x + by < tops[level])) return false;
                if (!inside) continue;
                const Ints &here = digits_at(level, x), &there = digits_at(level, x + by, true);
                if (!plain_[level][task]) {
                    mine_.clear();
                    theirs_.clear();
                    bool off = is_off_at(level, task, here, mine_);
                    if (is_off_at(level, task, there, theirs_) != off || mine_ != theirs_) return false;
                    if (off) continue;
                }
                for (std::size_t w = 0; w < waits.size(); ++w) {
                    i64 n = need(level, task, w, here), m = need(level, task, w, there);
                    if (n != NONE && m != NONE && !alike(waits[w].producer, n, m, reach[level][task][w], step, at))
                        return false;
                }
            }
        }
        return true;
    }

    bool parked(i64 q, const Step& step, const Snapshot& at) {
        const Snapshot& a = *step.a;
        const Item& item = phase.queues[q].body[a.item[q]];
        if (!plan(item, a.slot[q], needs_) || !plan(item, at.slot[q], needs_there_)) return false;
        const std::vector<Wait>& waits = phase.tasks[item.task].waits;
        for (std::size_t w = std::size_t(a.wait[q]); w < waits.size(); ++w)
            if (!alike(waits[w].producer, needs_[w], needs_there_[w], {0, 0}, step, at)) return false;
        return true;
    }

    // Whether needs from `n` in the step and from `m` here always find the same.
    bool alike(i64 p, i64 n, i64 m, Bounds inside, const Step& step, const Snapshot& at) const {
        const Snapshot &a = *step.a, &b = *step.b;
        i64 low = inside.low, high = inside.high;
        if (m - n == moved_[p] &&  // at one distance, and not met for being negative in one place
            (std::min(n, m) + low >= 0 || std::max(n, m) + high < 0 || n + high < a.reached[p]))
            return true;
        if (n + high < std::max(i64(0), a.reached[p] - a.window[p]))  // long over
            return m + high < std::max(i64(0), at.reached[p] - a.window[p]);
        i64 end = b.reached[p] - a.reached[p] + at.reached[p];  // out of reach
        return n + low >= std::max(i64(0), b.reached[p]) && m + low >= std::max(i64(0), end);
    }

    // How often a prefix may move on by `by` with nothing changing.
    i64 steady(std::size_t level, i64 number, i64 x, i64 by, const Step& step, i64 stride) {
        if (x < 0) return quotient(-1 - x, by);
        if (x >= tops[level]) return FOREVER;
        const Task& task = phase.tasks[number];
        const Ints at = digits_at(level, x);
        i64 last = counts[level] - 1;
        i64 n = quotient(last - at[level], by);
        const std::vector<LevelGuard>& guard = guards[level][number];
        n = std::min(n, steady_guard(guard[0], level, at, by));
        if (n <= 0) return n;
        mine_.clear();
        if (is_off(level, number, x, mine_)) return n;
        for (i64 edge : task.ragged) {
            if (edge == i64(level)) n = std::min(n, at[level] == last ? 0 : quotient(last - 1 - at[level], by));
            if (~edge == i64(level) && at[level] == 0) n = 0;
        }
        for (std::size_t w = 0; w < task.waits.size(); ++w) {
            const Wait& wait = task.waits[w];
            n = std::min(n, steady_guard(guard[w + 1], level, at, by));
            i64 needed = need(level, number, w, at);
            if (needed != NONE && n > 0)
                n = std::min(n, drift(wait.producer, needed, reach[level][number][w], wait.strides[level] * by, step, stride));
        }
        return n;
    }

    i64 steady_guard(const LevelGuard& guard, std::size_t level, const Ints& at, i64 by) const {
        i64 mine = i64(level), end = counts[level] - 1, n = FOREVER;
        bool first = false, last = false;
        for (i64 m : guard.first) {
            if (m < mine && at[m]) return FOREVER;
            first |= m == mine;
        }
        for (i64 m : guard.last) {
            if (m < mine && at[m] != counts[m] - 1) return FOREVER;
            last |= m == mine;
        }
        if (first) {
            if (at[level]) return FOREVER;  // stays behind the first
            n = 0;
        }
        if (last) n = std::min(n, at[level] == end ? 0 : quotient(end - 1 - at[level], by));
        for (const LevelPlane& plane : guard.planes) {
            i64 step = (*plane.coefficients)[level] * by, value = value_of(plane, at);
            i64 low = value + plane.low, high = value + plane.high;
            if (step == 0 || (step > 0 && low >= 0) || (step < 0 && high < 0)) continue;
            if (low >= 0)
                n = std::min(n, quotient(low, -step));
            else if (high < 0)
                n = std::min(n, quotient(-1 - high, step));
            else {
                i64 over = rest(value, plane.grain);
                n = std::min(n, step > 0 ? quotient(plane.grain - 1 - over, step) : quotient(over, -step));
            }
        }
        return n;
    }

    // How often a need may move by `by` while its producer moves by a stride (or not).
    i64 drift(i64 p, i64 need, Bounds inside, i64 by, const Step& step, i64 stride) const {
        const Snapshot &a = *step.a, &b = *step.b;
        i64 gap = by - (step.anchored[stepper.owner[p]] ? stride * stepper.inner[p] : 0);
        i64 low = need + inside.low, high = need + inside.high;
        if (gap == 0 && (by == 0 || low >= 0 || high < a.reached[p])) return FOREVER;  // always at one distance
        i64 best = 0, slack = a.reached[p] - a.window[p] - high;
        if (slack > 0) best = gap <= 0 ? FOREVER : quotient(slack - 1, gap);                                 // long over
        if (high < 0) best = std::max(best, by <= 0 ? FOREVER : quotient(-1 - high, by));                    // negative
        if (low >= std::max(i64(0), b.reached[p]) && by >= 0)                                                // out of reach
            best = std::max(best, gap >= 0 ? FOREVER : quotient(low - b.reached[p], -gap));
        return best;
    }
};

}  // namespace accelsim
