// Rows that are alike but for their length, found in the states gone through, and repeated: sim/trail.py.
#pragma once
#include <optional>

#include "lines.h"

namespace accelsim {

// A state on the trail; `step` was repeated `times` times on the way to it from the one before.
struct Turn {
    SnapP at;
    StepP step;
    i64 times;
    Ints peak;  // since the one before
};

// A run from `a` to `b`, then `step` (which ends at `b`) repeated, to `c`.
struct Leg {
    SnapP a, b;
    StepP step;
    i64 times;
    SnapP c;
};

// A cycle that may follow itself `cycles` times, each time `more` repeats by leg.
struct Stretch {
    std::vector<Leg> legs;
    Ints drift, more;
    i64 cycles;
    Ints peak;
};

inline Ints moved(const Snapshot& later, const Snapshot& before) {
    Ints found;
    for (std::size_t q = 0; q < later.slot.size(); ++q) found.push_back(later.slot[q] - before.slot[q]);
    return found;
}

inline void raise(Ints& most, const Ints& peak) {
    for (std::size_t n = 0; n < most.size(); ++n) most[n] = std::max(most[n], peak[n]);
}

// The states of one level since the last time that they were forgotten.
class Trail {
  public:
    std::optional<Ints> peak;
    StepP came;  // what is being repeated to get to the next state
    i64 came_times = 0;
    i64 looks = 0;  // runs that were checked

    explicit Trail(std::unique_ptr<Lines> lines) : lines_(std::move(lines)) {}

    void forget() {
        turns_.clear();
        index_.clear();
        peak.reset();
        came = nullptr;
    }

    // Go on to a state; `held` is what is held there.
    void add(const SnapP& snap, const Ints& held) {
        if (turns_.size() >= LENGTH) {
            StepP step = came;
            forget();
            came = step;
        }
        StepP step = turns_.empty() ? nullptr : came;
        turns_.push_back({snap, step, step ? came_times : 0, peak && !peak->empty() ? *peak : held});
        peak = held;
        came = nullptr;
    }

    // A cycle up to now that may follow itself at once, as often as it may.
    std::optional<Stretch> find() {
        std::size_t here = turns_.size() - 1;
        std::vector<std::size_t>& known = index_[turns_[here].at];
        known.push_back(here);
        if (rest_) {
            --rest_;
            return std::nullopt;
        }
        bool seen = false;
        for (std::size_t there : earlier(known, here)) {
            std::vector<std::size_t> ends;
            for (std::size_t n : known) {
                if (n == there) break;
                if (turns_[n].step) ends.push_back(n);
            }
            i64 repeats = repeated(there, here);
            if (repeats > LEGS || (repeats && !(turns_[there].step && turns_[here].step))) continue;
            seen = true;
            if (auto found = cycle(there, here, repeats, ends)) {
                vain_ = 0;
                return found;
            }
        }
        if (seen && ++vain_ % REST == 0) rest_ = std::min(vain_, REST_MOST);
        return std::nullopt;
    }

  private:
    static constexpr std::size_t LENGTH = 512;  // states of a trail
    static constexpr std::size_t TRIES = 3;     // earlier states that one is compared with
    static constexpr i64 LEGS = 64;             // repeats in a cycle
    static constexpr i64 REST = 8;              // attempts in vain after which more and more states are passed by
    static constexpr i64 REST_MOST = 1024;

    struct Check {
        Run run;
        std::optional<Run> again;
        Leg leg;
        i64 extra;
    };

    std::unique_ptr<Lines> lines_;
    std::vector<Turn> turns_;
    std::unordered_map<SnapP, std::vector<std::size_t>, HashState, SameState> index_;
    i64 vain_ = 0, rest_ = 0;

    // How many of the states after one, up to another, repeats led to.
    i64 repeated(std::size_t after, std::size_t upto) const {
        i64 count = 0;
        for (std::size_t n = after + 1; n <= upto; ++n) count += turns_[n].step != nullptr;
        return count;
    }

    // The last like states that may begin a cycle: in other rows, in the rhythm of the masks. Where repeats
    // led here they led there too.
    std::vector<std::size_t> earlier(const std::vector<std::size_t>& known, std::size_t here) const {
        i64 ref = lines_->verifier.ref, row = lines_->verifier.rows[lines_->rhythm_level];
        i64 mine = turns_[here].at->slot[ref] / row;
        std::vector<std::size_t> found;
        for (std::size_t n = known.size() - 1; n-- > 0;) {
            std::size_t there = known[n];
            if (turns_[here].step && !turns_[there].step) continue;
            i64 apart = mine - turns_[there].at->slot[ref] / row;
            if (apart && apart % lines_->rhythm == 0) {
                found.push_back(there);
                if (found.size() == TRIES) break;
            }
        }
        return found;
    }

    std::optional<Stretch> cycle(std::size_t there, std::size_t here, i64 repeats, const std::vector<std::size_t>& earlier) {
        std::vector<Leg> legs = legs_of(there, here), before = legs;
        Ints drift = moved(*turns_[here].at, *turns_[there].at);
        if (repeats) {
            bool found = false;
            std::size_t start = 0;
            i64 count = 0;
            for (std::size_t n = earlier.size(); n-- > 0 && !found;) {
                start = earlier[n];
                count = repeated(start, there);
                found = count >= repeats;
            }
            if (!found || count != repeats) return std::nullopt;
            before = legs_of(start, there);
            if (before.size() != legs.size() || drift != moved(*turns_[there].at, *turns_[start].at)) return std::nullopt;
        }
        std::vector<Check> checks;
        Ints more;
        for (std::size_t n = 0; n < legs.size(); ++n) {
            const Leg &old = before[n], &mine = legs[n];
            if (!same(old.a, mine.a) || !same(old.b, mine.b) || !same(old.c, mine.c)) return std::nullopt;
            Ints begin = repeats ? moved(*mine.a, *old.a) : drift, end = repeats ? moved(*mine.b, *old.b) : drift;
            Check check{{mine.a, mine.b, begin, end, Ints(drift.size(), 0)}, std::nullopt, mine, 0};
            if (mine.step) {
                Ints stride = moved(*mine.step->b, *mine.step->a), gone = moved(*mine.c, *old.c);
                for (std::size_t q = 0; q < gone.size(); ++q) gone[q] -= end[q];
                if (!times_of(gone, stride, check.extra)) return std::nullopt;
                check.again = Run{mine.step->a, mine.step->b, end, end, stride};
            }
            more.push_back(check.extra);
            checks.push_back(std::move(check));
        }
        if (!is_level(legs, more, *turns_[there].at, *turns_[here].at)) return std::nullopt;
        i64 cycles = most(drift, legs, more);
        if (cycles < 2) return std::nullopt;
        if (!goes(checks, cycles)) {
            if (!goes(checks, 2)) return std::nullopt;
            i64 back = 1;  // what ends a row at the edge of the nest is a few rows before it
            while (true) {
                cycles = std::max(i64(2), cycles - back);
                back *= 2;
                if (cycles == 2 || goes(checks, cycles)) break;
            }
        }
        Ints held = turns_[there + 1].peak;
        for (std::size_t n = there + 2; n <= here; ++n) raise(held, turns_[n].peak);
        return Stretch{legs, drift, more, cycles, held};
    }

    static bool same(const SnapP& a, const SnapP& b) { return a == b || a->is_like(*b); }

    // Whether all legs go the same way in as many cycles more; the one that does not comes first.
    bool goes(std::vector<Check>& checks, i64 cycles) {
        for (std::size_t n = 0; n < checks.size(); ++n)
            if (!leg_goes(checks[n], cycles)) {
                std::rotate(checks.begin(), checks.begin() + i64(n), checks.begin() + i64(n) + 1);
                return false;
            }
        return true;
    }

    bool leg_goes(const Check& check, i64 cycles) {
        ++looks;
        if (!lines_->goes(check.run, {{cycles, 0}})) return false;
        if (!check.again) return true;
        i64 last = check.leg.times + cycles * check.extra;
        if (last < 0) return false;
        ++looks;
        return lines_->goes(*check.again, {{cycles, 0}, {0, check.leg.times}, {cycles, last}});
    }

    std::vector<Leg> legs_of(std::size_t begin, std::size_t end) const {
        std::vector<Leg> legs;
        SnapP start = turns_[begin].at;
        for (std::size_t n = begin + 1; n <= end; ++n) {
            const Turn& turn = turns_[n];
            if (!turn.step) continue;
            legs.push_back({start, turn.step->b, turn.step, turn.times, turn.at});
            start = turn.at;
        }
        if (start != turns_[end].at) legs.push_back({start, turns_[end].at, nullptr, 0, turns_[end].at});
        return legs;
    }

    // How many cycles there are at most before a digit runs out, or repeats.
    i64 most(const Ints& drift, const std::vector<Leg>& legs, const Ints& more) const {
        const Lines& lines = *lines_;
        i64 ref = lines.verifier.ref, slot = turns_.back().at->slot[ref];
        i64 found = drift[ref] > 0 ? quotient(lines.verifier.stepper.slots - 1 - slot, drift[ref]) : 0;
        i64 prefix = slot / lines.row;
        Ints now, then;
        lines.verifier.digits(lines.level, prefix, now);
        lines.verifier.digits(lines.level, prefix - quotient(drift[ref], lines.row), then);
        for (std::size_t n = 0; n < now.size(); ++n) {
            i64 step = now[n] - then[n];
            if (step > 0)
                found = std::min(found, quotient(lines.verifier.counts[n] - 1 - now[n], step));
            else if (step < 0)
                found = std::min(found, quotient(now[n], -step));
        }
        for (std::size_t n = 0; n < legs.size(); ++n)
            if (more[n] < 0) found = std::min(found, quotient(legs[n].times, -more[n]));
        return found;
    }

    // How often a stride goes into a way, the same for all queues; false if it does not.
    static bool times_of(const Ints& gone, const Ints& stride, i64& times) {
        std::size_t at = 0;
        while (at < stride.size() && !stride[at]) ++at;
        if (at == stride.size() || rest(gone[at], stride[at])) return false;
        times = quotient(gone[at], stride[at]);
        for (std::size_t q = 0; q < gone.size(); ++q)
            if (gone[q] != times * stride[q]) return false;
        return true;
    }

    // Whether as much is held at the end of a cycle as at its beginning, however long the rows are.
    static bool is_level(const std::vector<Leg>& legs, const Ints& more, const Snapshot& a, const Snapshot& b) {
        if (a.level != b.level) return false;
        for (std::size_t n = 0; n < legs.size(); ++n)
            if (more[n] && (!legs[n].step || legs[n].step->a->level != legs[n].step->b->level)) return false;
        return true;
    }
};

// Move a stepper from `at` by the cycles; gives the peaks held on the way.
inline Ints apply_stretch(Stepper& stepper, const Stretch& stretch, const Snapshot& there, const Snapshot& at) {
    i64 n = stretch.cycles;
    i128 sums = i128(n) * (n + 1) / 2;
    // What a figure is after the cycles, from its values along the last one.
    auto total = [&](auto&& figure) {
        i128 found = figure(at) + n * (i128(figure(at)) - figure(there));
        for (std::size_t k = 0; k < stretch.legs.size(); ++k)
            if (const Step* step = stretch.legs[k].step.get(); step && stretch.more[k])
                found += stretch.more[k] * sums * (i128(figure(*step->b)) - figure(*step->a));
        return found;
    };
    i64 ticks = checked(total([](const Snapshot& s) { return s.now; }), LATEST);
    Ints counters, slots;
    std::vector<i128> integral;
    for (std::size_t c = 0; c < at.counters.size(); ++c)
        counters.push_back(i64(total([c](const Snapshot& s) { return s.counters[c]; })));
    for (std::size_t p = 0; p < at.integral.size(); ++p)
        integral.push_back(total([p](const Snapshot& s) { return s.integral[p]; }));
    for (i64 gone : stretch.drift) slots.push_back(n * gone);
    move(stepper, at, there, slots, ticks);
    stepper.counters.copy(counters);
    stepper.integral.copy(integral);
    return stretch.peak;
}

}  // namespace accelsim
