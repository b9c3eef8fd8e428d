// When runs may be taken again along straight lines: sim/stretch.py. Rows under a mask are each longer than
// the last, so that what was seen comes again at places `j * drift + i * stride`.
#pragma once
#include "corners.h"

namespace accelsim {

// The checks of one level of a phase.
class Lines {
  public:
    Verifier& verifier;
    std::size_t level;
    i64 row;

    Lines(Verifier& of, std::size_t n)
        : verifier(of), level(n), row(of.rows[n]), gaps_(of.stepper, row, of.counts[n]) {
        for (const Task& task : of.phase.tasks)
            for (const Plane& plane : task.guard.planes) {
                const Ints& c = plane.coefficients;
                if (c[n] && std::any_of(c.begin(), c.begin() + i64(n), [](i64 x) { return x != 0; })) masks_.push_back(&c);
            }
        order_.resize(of.phase.tasks.size());
        std::iota(order_.begin(), order_.end(), i64(0));
        if (!is_masked()) return;
        for (const Ints* mask : masks_)
            for (std::size_t m = 0; m < n; ++m)
                if ((*mask)[m]) rhythm_level = std::max(rhythm_level, m);
        for (const Ints* mask : masks_)
            if (i64 outer = (*mask)[rhythm_level]) {
                i64 mine = (*mask)[n];
                rhythm = std::lcm(rhythm, std::abs(mine) / std::gcd(mine, outer));
            }
    }

    std::size_t rhythm_level = 0;  // the level of the rows, and after how many rows all masks have moved by whole steps
    i64 rhythm = 1;

    // Whether some task runs where this level and one around it together say so.
    bool is_masked() const { return !masks_.empty(); }

    // Whether a run goes the same way everywhere between where it was seen and these corners.
    bool goes(const Run& run, const std::vector<Corner>& corners) {
        std::vector<Corner> at{{0, 0}, {1, 0}};
        at.insert(at.end(), corners.begin(), corners.end());
        if (std::any_of(run.stride.begin(), run.stride.end(), [](i64 x) { return x != 0; })) at.push_back({0, 1});
        try {
            Place place(verifier, level, gaps_, verifier.counts[level], run, at);
            for (std::size_t n = 0; n < order_.size(); ++n) {
                i64 task = order_[n];
                if (run.a->status[verifier.stepper.owner[task]] == DONE || place.task_fits(task)) continue;
                std::rotate(order_.begin(), order_.begin() + i64(n), order_.begin() + i64(n) + 1);  // likely the next time too
                return false;
            }
            if (!place.in_order()) return false;
            for (std::size_t q = 0; q < verifier.stepper.resource.size(); ++q)
                if (const Gap* between = place.gap(i64(q)))
                    if (!place.gap_fits(i64(q), *between)) return false;
            return true;
        } catch (const NoGap&) {
            return false;
        }
    }

  private:
    Gaps gaps_;
    std::vector<const Ints*> masks_;
    Ints order_;  // in which tasks are looked at
};

}  // namespace accelsim
