// Where a queue has nothing to do between the two ends of a run that drift apart: sim/gaps.py.
#pragma once
#include <map>

#include "verify.h"

namespace accelsim {

// What was seen from `a` to `b`; drifts of the ends and the stride of repeats in slots, by queue.
struct Run {
    SnapP a, b;
    Ints begin, end, stride;
};

// A queue has nothing to do in slots after `last` and before `first`.
struct Gap {
    i64 last, first;
};

struct NoGap {};  // thrown: the ends of a queue drift apart, and nowhere between them is it idle

class Gaps {
  public:
    Gaps(Stepper& stepper, i64 row, i64 count) : stepper_(stepper), row_(row), count_(count) {}

    // The gap of a queue whose ends drift apart, or that goes a long way; nullptr: it needs none.
    const Gap* of(const Run& run, i64 queue) {
        i64 begin = run.a->slot[queue], end = run.b->slot[queue];
        bool apart = run.begin[queue] != run.end[queue];
        if (!apart && end - begin <= SPAN * row_) return nullptr;
        auto place = known_.find({queue, begin, end});
        if (place == known_.end()) place = known_.emplace(std::make_tuple(queue, begin, end), gap(queue, begin, end)).first;
        if (!place->second && apart) throw NoGap();
        return place->second.get();
    }

  private:
    static constexpr int NEAR = 4;  // items of their own at the beginning and at the end of a row
    Stepper& stepper_;
    i64 row_, count_;
    std::map<std::tuple<i64, i64, i64>, std::unique_ptr<Gap>> known_;

    // The longest way without an active item near where the row of a queue's end begins.
    std::unique_ptr<Gap> gap(i64 queue, i64 begin, i64 end) {
        i64 wide = row_ * count_, first = INT64_MAX;
        for (i64 t : stepper_.used[queue])
            if (border(end, t, wide) <= begin - stepper_.shift[t]) return nullptr;
        for (i64 t : stepper_.used[queue]) first = std::min(first, next(queue, border(end, t, wide) + stepper_.shift[t]));
        i64 last_one = last(queue, first - 1);
        std::vector<Gap> found{{last_one, first}};
        for (int n = 0; n < NEAR; ++n) {
            last_one = last(queue, quotient(found.back().last, row_) * row_ - 1);
            found.push_back({last_one, next(queue, last_one + 1)});
        }
        for (int n = 0; n < NEAR; ++n) {
            first = next(queue, (quotient(first, row_) + 1) * row_);
            found.push_back({last(queue, first - 1), first});
        }
        std::unique_ptr<Gap> best;
        for (const Gap& one : found)
            if (begin <= one.last && one.last < one.first && one.first <= end &&
                (!best || one.first - one.last > best->first - best->last))
                best = std::make_unique<Gap>(one);
        return best;
    }

    i64 border(i64 end, i64 task, i64 wide) const { return quotient(end - stepper_.shift[task], wide) * wide; }

    // The first slot from one on in which a queue may have something to do.
    i64 next(i64 queue, i64 slot) {
        i64 found = INT64_MAX;
        for (i64 t : stepper_.used[queue])
            found = std::min(found, stepper_.active(t).next(std::max(i64(0), slot - stepper_.shift[t])) + stepper_.shift[t]);
        return found;
    }

    // The last slot up to one in which a queue may have something to do.
    i64 last(i64 queue, i64 slot) {
        i64 found = INT64_MIN;
        for (i64 t : stepper_.used[queue])
            found = std::max(found, stepper_.active(t).last(std::min(stepper_.total - 1, slot - stepper_.shift[t])) + stepper_.shift[t]);
        return found;
    }
};

}  // namespace accelsim
