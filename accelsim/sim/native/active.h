// Where a task may be active: the next iteration in which its guard can hold, and the last one.
#pragma once
#include <algorithm>

#include "phase.h"

namespace accelsim {

// The first iteration from one on that is in a guard, looked for digit by digit. Exact but for k.
class Search {
  public:
    Search(const Phase& phase, const Guard& guard) : phase_(phase) {
        std::size_t levels = phase.counts.size();
        low_.assign(levels, 0);
        high_.resize(levels);
        for (std::size_t n = 0; n < levels; ++n) high_[n] = phase.counts[n] - 1;
        for (i64 n : guard.last) low_[n] = phase.counts[n] - 1;
        for (i64 n : guard.first) high_[n] = 0;
        for (const Plane& plane : guard.planes) {
            i64 most = plane.inner.empty() ? 0 : *std::max_element(plane.inner.begin(), plane.inner.end());
            coefficients_.push_back(plane.coefficients);
            constants_.push_back(plane.constant + most);
            Ints rest(levels, 0);  // the most that the digits after one can add
            for (std::size_t n = levels; n-- > 1;) {
                i64 c = plane.coefficients[n];
                rest[n - 1] = rest[n] + std::max(c * low_[n], c * high_[n]);
            }
            rest_.push_back(rest);
        }
        start_.resize(levels);
        values_.assign(levels + 1, Ints(coefficients_.size()));
    }

    i64 from(i64 iteration) {
        if (phase_.counts.empty()) {
            for (i64 constant : constants_)
                if (constant < 0) return phase_.iterations;
            return 0;
        }
        digits_of(phase_.counts, iteration, start_);
        values_[0] = constants_;
        i64 found = go(0, true, 0);
        return found < 0 ? phase_.iterations : found;
    }

  private:
    const Phase& phase_;
    Ints low_, high_, constants_, start_;
    std::vector<Ints> coefficients_, rest_, values_;

    i64 go(std::size_t n, bool tight, i64 done) {
        if (n == start_.size()) return done;
        i64 least = std::max(low_[n], tight ? start_[n] : 0), most = high_[n];
        const Ints& value = values_[n];
        for (std::size_t p = 0; p < value.size(); ++p) {
            i64 step = coefficients_[p][n], all = value[p] + rest_[p][n];
            if (step > 0)
                least = std::max(least, -quotient(all, step));
            else if (step < 0)
                most = std::min(most, quotient(all, -step));
            else if (all < 0)
                return -1;
        }
        for (i64 x = least; x <= most; ++x) {
            Ints& further = values_[n + 1];
            for (std::size_t p = 0; p < value.size(); ++p) further[p] = value[p] + coefficients_[p][n] * x;
            i64 found = go(n + 1, tight && x == start_[n], done + phase_.rows[n] * x);
            if (found >= 0) return found;
        }
        return -1;
    }
};

// The guard with every digit counted from its other end.
inline Guard turned(const Phase& phase, const Guard& guard) {
    Guard found;
    found.first = guard.last;
    found.last = guard.first;
    found.planes = guard.planes;
    for (Plane& plane : found.planes)
        for (std::size_t n = 0; n < plane.coefficients.size(); ++n) {
            plane.constant += plane.coefficients[n] * (phase.counts[n] - 1);
            plane.coefficients[n] = -plane.coefficients[n];
            plane.terms = terms_of(plane.coefficients);
        }
    return found;
}

class Active {
  public:
    Active(const Phase& phase, const Task& task)
        : total_(phase.iterations),
          is_free_(task.guard.is_always()),
          looks_up_(!task.kinds.empty()),
          forward_(phase, task.guard),
          backward_(phase, turned(phase, task.guard)) {
        for (std::size_t i = 0; i < task.kinds.size(); ++i)
            if (task.kinds[i] >= 0) listed_.push_back(i64(i));
    }

    // The first iteration from `start` (at least 0) on; the number of iterations: none.
    i64 next(i64 start) {
        while (start < total_) {
            i64 listed = start;
            if (looks_up_) {
                auto place = std::lower_bound(listed_.begin(), listed_.end(), start);
                listed = place == listed_.end() ? total_ : *place;
            }
            if (is_free_ || listed >= total_) return listed;
            start = forward_.from(listed);
            if (!looks_up_ || start == listed) return start;
        }
        return total_;
    }

    // The last iteration up to `stop`; -1: none. For phases that look nothing up.
    i64 last(i64 stop) {
        i64 end = total_ - 1;
        stop = std::min(stop, end);
        if (stop < 0 || is_free_) return std::max(stop, i64(-1));
        return end - backward_.from(end - stop);
    }

  private:
    i64 total_;
    bool is_free_, looks_up_;
    Search forward_, backward_;
    Ints listed_;
};

}  // namespace accelsim
