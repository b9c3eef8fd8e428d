// The jump kernel: sim/jump.py in C++. It takes the same decisions, so that the statistics are the same too.
#pragma once
#include "level.h"
#include "within.h"

namespace accelsim {

// What the jumps did; see Statistics in sim/jump.py.
struct Statistics {
    i64 repeats, recalls, walked, stretches, looks;
    i64 jumps() const { return repeats + recalls + stretches; }
    i64 effort() const { return walked + 25 * jumps() + 100 * looks; }
};

class Jump {
  public:
    enum State { RUNNING, ENDED, IRREGULAR };

    Jump(const i64* words, Statistics given, i64 limit, i64 worth)
        : statistics(given), phase_(words), stepper(phase_), limit_(limit), worth_(worth), peak(stepper.groups.size(), 0) {
        std::size_t longest = 0;
        for (std::size_t q = 0; q < phase_.queues.size(); ++q) {
            longest = std::max(longest, phase_.queues[q].body.size());
            if (stepper.slots && work(q) > work(std::size_t(ref_))) ref_ = i64(q);
        }
        main_ = ref_;
        if (stepper.slots) {
            verifier_ = std::make_unique<Verifier>(stepper, ref_);
            clocks_[ref_] = new_levels();
        }
        if (longest >= LONG) within_ = std::make_unique<Within>(stepper);
    }

    // Go on for at most so many ticks.
    State go(i64 ticks) {
        if (!begun_) {
            begun_ = true;
            stepper.begin();
            mark();
            if (phase_.looks_up) ++statistics.walked;
        }
        for (i64 n = 0; n < ticks; ++n) {
            if (stepper.now >= LATEST) throw TooLarge();
            if (phase_.looks_up) {  // whether a state comes back says nothing of what follows
                if (!stepper.tick()) return end();
                ++statistics.walked;
                continue;
            }
            if (!stepper.slots) return end();
            look();
            ++statistics.walked;
            if (limit_ >= 0 && statistics.effort() > limit_) return IRREGULAR;
            if (!stepper.tick()) return end();
        }
        return RUNNING;
    }

    Statistics statistics;

  private:
    static constexpr std::size_t HISTORY = 1000;    // snapshots of a level kept to find a period
    static constexpr i64 MEMO = 50'000;             // steps kept for all levels
    static constexpr i64 PATIENCE = 256;            // ticks with the clock in one slot before another may be taken
    static constexpr std::size_t LONG = 48;         // items in a slot from which on to look for a period inside
    static constexpr std::size_t CANDIDATES = 8;    // steps tried for a state

    Store store_;  // outlives whatever holds a state
    Phase phase_;

  public:
    Stepper stepper;

  private:
    i64 limit_, worth_;  // the most effort; the least ticks of a step that is remembered

  public:
    Ints peak;

  private:
    i64 ref_ = 0, main_ = 0, stored_ = 0;
    i64 main_slot_ = -1, slot_ = -1, quiet_ = 0;
    bool begun_ = false;
    Ints marks_;
    std::vector<std::size_t> crossed_;  // the levels that are at a boundary
    std::unique_ptr<Verifier> verifier_;
    std::map<i64, Levels> clocks_;
    std::unique_ptr<Within> within_;

    // How good a queue is as the clock of the boundaries: in all slots, then with many items.
    std::pair<bool, i64> work(std::size_t q) const {
        const auto& body = phase_.queues[q].body;
        i64 most = 0;
        for (std::size_t n = 0; n < std::min(body.size(), std::size_t(64)); ++n) {
            const Guard& guard = phase_.tasks[body[n].task].guard;
            Ints fixed = guard.first;
            fixed.insert(fixed.end(), guard.last.begin(), guard.last.end());
            std::sort(fixed.begin(), fixed.end());
            fixed.erase(std::unique(fixed.begin(), fixed.end()), fixed.end());
            i64 runs = phase_.iterations;
            for (i64 level : fixed) runs /= phase_.counts[level];
            most = std::max(most, runs);
        }
        return {most == phase_.iterations && !body.empty(), most};
    }

    Levels new_levels() {
        Levels levels;
        for (std::size_t n = 0; n < phase_.rows.size(); ++n) {
            levels.push_back(std::make_unique<Level>(*verifier_, n, store_));
            auto lines = std::make_unique<Lines>(*verifier_, n);
            if (lines->is_masked()) levels.back()->trail = std::make_unique<Trail>(std::move(lines));
        }
        return levels;
    }

    Levels& levels() { return clocks_[ref_]; }

    State end() {
        note_peak();
        return ENDED;
    }

    // What is to be seen before a tick: boundaries, another clock, periods inside a slot.
    void look() {
        if (ref_ != main_ && stepper.slot[main_] != main_slot_) {
            if (outer_boundary()) slot_ = -1;
            main_slot_ = stepper.slot[main_];
        }
        if (stepper.slot[ref_] != slot_ && stepper.status[ref_] != DONE) {
            boundary(levels().size());
            slot_ = stepper.slot[ref_];
            quiet_ = 0;
            mark();
            if (ref_ == main_) main_slot_ = stepper.slot[main_];
        } else if (quiet_ >= PATIENCE) {
            quiet_ = 0;
            if (change_clock()) slot_ = -1;
        }
        if (within_ && within_->due()) look_within();
        ++quiet_;
    }

    // Where the queues are now.
    void mark() { marks_.assign(stepper.slot.begin(), stepper.slot.end()); }

    // Repeat what happens inside the slots in which the queues are, if it is a period.
    void look_within() {
        SnapP snap = snapshot(stepper, store_);
        StepP step = within_->step(snap);
        i64 times = step ? within_->repeats(*step) : 0;
        note_peak();
        if (!times) {
            within_->anchor(snap);
            return;
        }
        fold(apply(stepper, *step, *snap, 0, ref_, times));
        stepper.begin_peak();
        ++statistics.repeats;
        within_->drop();
    }

    // The reference queue stands still: take the one that has gone furthest since `marks`.
    bool change_clock() {
        i64 best = 0, most = INT64_MIN;
        for (std::size_t q = 0; q < marks_.size(); ++q) {
            i64 gone = stepper.status[q] == DONE ? -1 : stepper.slot[q] - marks_[q];
            if (gone > most) {
                most = gone;
                best = i64(q);
            }
        }
        if (best == ref_ || most < PATIENCE / 16) return false;
        take(best);
        for (std::size_t n = best == main_ ? levels().size() - 1 : 0; n < levels().size(); ++n) levels()[n]->forget_all();
        return true;
    }

    // Make a queue the one by which boundaries are seen.
    void take(i64 clock) {
        ref_ = verifier_->ref = clock;
        if (!clocks_.count(clock)) clocks_[clock] = new_levels();
    }

    // See to the outer loops by their own clock while another is that of the innermost.
    bool outer_boundary() {
        i64 clock = ref_, jumps = statistics.jumps();
        take(main_);
        boundary(levels().size() - 1);
        take(clock);
        if (statistics.jumps() == jumps) return false;
        for (auto& level : levels()) level->forget_all();
        return true;
    }

    // Fold the peaks since the last call into all that are open, and start anew from now.
    void note_peak() {
        fold(stepper.peak);
        stepper.begin_peak();
    }

    void fold(const Ints& seen) {
        raise(peak, seen);
        if (!verifier_) return;
        auto into = [&](Level& level) {
            if (level.peak) raise(*level.peak, seen);
            if (level.trail && level.trail->peak) raise(*level.trail->peak, seen);
        };
        for (auto& level : levels()) into(*level);
        if (ref_ == main_) return;
        Levels& outer = clocks_[main_];  // the outer levels of the main clock are open too
        for (std::size_t n = 0; n + 1 < outer.size(); ++n) into(*outer[n]);
    }

    // The reference queue is in another slot: remember, and jump while a jump is known.
    void boundary(std::size_t upto) {
        Levels& mine = levels();
        while (stepper.status[ref_] != DONE) {
            std::vector<std::size_t>& crossed = crossed_;
            crossed.clear();
            for (std::size_t n = 0; n < upto; ++n) {
                Level& level = *mine[n];
                i64 prefix = quotient(stepper.slot[ref_], phase_.rows[n]);
                if (prefix == level.prefix && !level.history.empty()) continue;
                level.prefix = prefix;
                if (level.skip)
                    --level.skip;
                else if (n + 1 < mine.size() || level.is_worth(stepper.glance()))
                    crossed.push_back(n);
            }
            if (crossed.empty()) return;
            SnapP snap = snapshot(stepper, store_);
            note_peak();
            if (within_) within_->drop();
            for (std::size_t n : crossed) close(n, snap);
            bool jumped = false;
            for (std::size_t n : crossed)
                if ((jumped = jump(n, snap))) break;
            if (!jumped) return;
        }
    }

    // End the open step of a level here and open the next.
    void close(std::size_t n, const SnapP& snap) {
        Level& level = *levels()[n];
        snap->place[n].offset = rest(snap->slot[ref_], phase_.rows[n]);
        snap->place[n].signature.clear();
        if (!level.history.empty()) {
            level.peaks.insert(level.peaks.end(), level.peak->begin(), level.peak->end());
            remember(n, level, level.history.back(), snap);
        }
        level.recalled = false;
        level.walked = statistics.effort();
        if (level.history.size() >= HISTORY) level.forget();
        level.history.push_back(snap);
        level.peak = stepper.peak;
        if (level.trail) level.trail->add(snap, stepper.peak);
    }

    // Keep the step to here for where its first state comes again, if it is none that is known.
    void remember(std::size_t n, Level& level, const SnapP& first, const SnapP& last) {
        const Snapshot &a = *first, &b = *last;
        if (level.recalled || statistics.effort() - level.walked < worth_ || stored_ >= MEMO || b.slot[ref_] <= a.slot[ref_]) return;
        for (std::size_t q = 0; q < a.status.size(); ++q)
            if (a.status[q] != DONE && b.status[q] == DONE) return;
        if (verifier_->span(n, a, b) > SPAN) return;
        std::vector<StepP>& known = level.memo[first];
        if (known.size() >= CANDIDATES) return;
        for (const StepP& old : known)
            if (verifier_->fits(n, *old, a)) return;
        known.push_back(make_step(first, last, *level.peak));
        ++stored_;
    }

    // Jump from here at a level, if it can be done.
    bool jump(std::size_t n, const SnapP& snap) {
        Level& level = *levels()[n];
        bool innermost = n + 1 == levels().size();
        std::size_t here = level.history.size() - 1;
        auto [place, is_new] = level.index.emplace(snap, here);
        if (!is_new) {
            std::size_t before = place->second;
            place->second = here;
            SnapP a = level.history[before];
            std::size_t groups = peak.size();
            auto first = level.peaks.begin() + i64(before * groups);
            Ints held(first, first + i64(groups));
            for (std::size_t n = (before + 1) * groups; n < level.peaks.size(); ++n)
                held[n % groups] = std::max(held[n % groups], level.peaks[n]);
            StepP step = make_step(a, snap, held);
            i64 times = verifier_->repeats(n, *step);
            if (times > 0) {
                Ints peaks = apply(stepper, *step, *snap, snap->slot[ref_] - a->slot[ref_], ref_, times);
                level.misses = 0;
                after(n, peaks, true);
                ++statistics.repeats;
                if (level.trail) {
                    level.trail->came = step;
                    level.trail->came_times = times;
                }
                return true;
            }
        }
        if (level.trail && stretch(n, *level.trail, snap)) return true;
        auto found = level.memo.find(snap);
        if (found != level.memo.end())
            for (const StepP& step : found->second)
                if (verifier_->fits(n, *step, *snap)) {
                    StepP taken = step;
                    Ints peaks = apply(stepper, *taken, *snap, snap->slot[ref_] - taken->a->slot[ref_], ref_, 1);
                    level.misses = 0;
                    after(n, peaks, false);
                    ++statistics.recalls;
                    return true;
                }
        level.miss(innermost);
        return false;
    }

    // Repeat whole rows from here, if the last ones are alike but for their length.
    bool stretch(std::size_t n, Trail& trail, const SnapP& snap) {
        i64 looks = trail.looks;
        std::optional<Stretch> found = trail.find();
        statistics.looks += trail.looks - looks;
        if (!found) return false;
        Ints peaks = apply_stretch(stepper, *found, *found->legs[0].a, *snap);
        ++statistics.stretches;
        levels()[n]->misses = 0;
        after(n, peaks, true);
        trail.forget();
        return true;
    }

    // A jump at a level: what inner levels (and after repeats this one) had open is void.
    void after(std::size_t n, const Ints& peaks, bool whole) {
        fold(peaks);
        stepper.begin_peak();
        Levels& mine = levels();
        mine[n]->recalled = !whole;
        for (std::size_t inner = whole ? n : n + 1; inner < mine.size(); ++inner) {
            mine[inner]->forget();
            mine[inner]->skip = 0;
        }
        for (std::size_t inner = n + 1; inner < mine.size(); ++inner)
            if (mine[inner]->trail) mine[inner]->trail->forget();
        if (ref_ == main_) return;
        Levels& outer = clocks_[main_];
        for (std::size_t inner = n; inner + 1 < outer.size(); ++inner) outer[inner]->forget_all();
    }
};

}  // namespace accelsim
