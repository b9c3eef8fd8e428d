// When a step may be taken at another place of the nest: sim/verify.py, condition by condition.
#pragma once
#include "prefixes.h"
#include "state.h"

namespace accelsim {

constexpr i64 SPAN = 64;  // longest run of prefixes in a step that is worth checking
class Verifier : public Prefixes {
  public:
    Stepper& stepper;
    i64 ref;

    Verifier(Stepper& of, i64 clock) : Prefixes(of.phase), stepper(of), ref(clock) {}

    // The signatures where the queues are: part of the key of the memo of a level. Two bits by task (done, off, on),
    // then what those that are on are there.
    void start_signature(std::size_t level, const Snapshot& snap, Ints& words) {
        words.assign((phase.tasks.size() + 31) / 32, 0);
        words.reserve(words.size() + signs(level));
        for (std::size_t task = 0; task < phase.tasks.size(); ++task) {
            i64 queue = stepper.owner[task];
            if (snap.status[queue] == DONE) continue;
            const Seen& found = seen(level, i64(task), quotient(snap.slot[queue] - stepper.shift[task], rows[level]));
            words[task / 32] |= i64(found.off ? 1 : 2) << 2 * (task % 32);
            words.insert(words.end(), found.sign.begin(), found.sign.end());
        }
    }

    // The longest run of prefixes that a queue looks at in a step.
    i64 span(std::size_t level, const Snapshot& a, const Snapshot& b) const {
        i64 most = NONE;
        for (std::size_t q = 0; q < a.slot.size(); ++q)
            most = std::max(most, quotient(b.slot[q], rows[level]) - quotient(a.slot[q], rows[level]));
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
        i64 n = queue_repeats(level, step, suspect_, by);
        for (i64 q = 0; n > 0 && q < i64(a.slot.size()); ++q) {
            if (q == suspect_) continue;
            n = std::min(n, queue_repeats(level, step, q, by));
            if (n <= 0) suspect_ = q;  // it is likely to be the one the next time too
        }
        return n;
    }

  private:
    i64 suspect_ = 0;  // the queue for which the last step did not repeat

    // How often a queue may find again what it found in a step.
    i64 queue_repeats(std::size_t level, const Step& step, i64 q, i64 by) {
        const Snapshot &a = *step.a, &b = *step.b;
        i64 row = rows[level], stride = b.slot[ref] - a.slot[ref], n = FOREVER;
        if (!step.anchored[q]) {
            if (a.status[q] == DONE) return n;
            const Item& item = phase.queues[q].body[b.item[q]];
            if (!plan(item, b.slot[q], needs_)) return 0;
            const std::vector<Wait>& waits = phase.tasks[item.task].waits;
            for (std::size_t w = std::size_t(a.wait[q]); w < waits.size(); ++w)
                n = std::min(n, drift(waits[w].producer, needs_[w], {0, 0}, 0, step, stride));
            return n;
        }
        if (b.slot[q] - a.slot[q] != stride || a.item[q] != b.item[q]) return 0;
        n = quotient(stepper.slots - 1 - b.slot[q], stride);
        for (i64 task : stepper.used[q]) {
            i64 first = quotient(a.slot[q] - stepper.shift[task], row);
            i64 last = quotient(b.slot[q] - stepper.shift[task], row);
            for (i64 x = first; n > 0 && x <= last; ++x) n = std::min(n, steady(level, task, x, by, step, stride));
        }
        return n;
    }

    Ints moved_, needs_, needs_there_, at_;

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
                const Seen &mine = seen(level, task, x), &theirs = seen(level, task, x + by, true);
                if (!(mine == theirs)) return false;
                if (mine.off) continue;
                const Ints &here = digits_at(level, x), &there = digits_at(level, x + by, true);
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
        const Ints& at = digits_at(level, x);
        i64 last = counts[level] - 1;
        i64 n = quotient(last - at[level], by);
        const std::vector<LevelGuard>& guard = guards[level][number];
        n = std::min(n, steady_guard(guard[0], level, at, by));
        if (n <= 0) return n;
        if (seen(level, number, x).off) return n;
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

// States by key and place: what comes after them may be the same.
struct HashPlace {
    std::size_t level;
    std::size_t operator()(const SnapP& snap) const { return std::size_t(mixed(snap->hash, snap->place[level].offset)); }
};

struct SamePlace {
    std::reference_wrapper<Verifier> verifier;
    std::size_t level;

    bool operator()(const SnapP& a, const SnapP& b) const {
        return a == b || (a->place[level].offset == b->place[level].offset && a->is_like(*b) && signature(*a) == signature(*b));
    }

    const Ints& signature(Snapshot& snap) const {
        Ints& found = snap.place[level].signature;
        if (found.empty()) verifier.get().start_signature(level, snap, found);
        return found;
    }
};

template <class T>
using ByPlace = std::pmr::unordered_map<SnapP, T, HashPlace, SamePlace>;

}  // namespace accelsim
