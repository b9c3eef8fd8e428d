// Periods inside one slot, where a body is long: sim/within.py.
#pragma once
#include <map>

#include "state.h"

namespace accelsim {

class Within {
  public:
    explicit Within(Stepper& of) : stepper_(of), phase_(of.phase), placed_(of.phase.queues.size()) {}

    // Whether now is worth a look: much as at the anchor, or it is too old.
    bool due() {
        ++age_;
        if (!first_ || age_ > patience_) {
            patience_ = std::min(2 * patience_, PATIENCE_MOST);
            return true;
        }
        const Snapshot& a = *first_;
        if (stepper_.status != a.status || stepper_.wait != a.wait || stepper_.slot != a.slot) return false;
        if (stepper_.events.size() != a.events.size()) return false;
        i64 by = stepper_.now - a.now;
        for (std::size_t r = 0; r < a.free.size(); ++r)
            if (a.free[r] > a.now && stepper_.free[r] != a.free[r] + by) return false;
        bool moved = false;
        for (std::size_t q = 0; q < a.item.size(); ++q)
            if (a.item[q] != stepper_.item[q]) {
                moved = true;
                const auto& body = phase_.queues[q].body;
                if (body[a.item[q]].task != body[stepper_.item[q]].task) return false;
            }
        return moved;
    }

    void anchor(const SnapP& snap) {
        first_ = snap;
        age_ = 0;
    }

    void drop() {
        first_ = nullptr;
        age_ = 0;
        patience_ = PATIENCE;
    }

    // The step from the anchor, if nothing that is relative has changed.
    StepP step(const SnapP& snap) const {
        if (!first_ || snap->slot != first_->slot || !snap->is_like_but_for_items(*first_) || snap->item == first_->item)
            return nullptr;
        return make_step(first_, snap, stepper_.peak);
    }

    // How often the step may follow itself at once.
    i64 repeats(const Step& step) {
        const Snapshot &a = *step.a, &b = *step.b;
        Ints moved;
        for (std::size_t t = 0; t < a.reached.size(); ++t) moved.push_back(b.reached[t] - a.reached[t]);
        i64 n = FOREVER;
        for (std::size_t q = 0; q < a.status.size(); ++q)
            if (a.item[q] == b.item[q] && a.status[q] == BLOCKED) {
                // Held all the time by what is out of reach.
                const Head& head = stepper_.head[q];
                i64 producer = phase_.tasks[head.task].waits[b.wait[q]].producer;
                if (moved[producer])
                    n = std::min(n, quotient(stepper_.need(i64(q), b.wait[q]) - b.reached[producer], moved[producer]));
            }
        for (std::size_t q = 0; q < a.item.size(); ++q) {
            if (n <= 0) return 0;
            if (a.item[q] != b.item[q]) n = std::min(n, alike(q, step, moved, n));
        }
        return n == FOREVER ? 0 : std::max(n, i64(0));
    }

  private:
    static constexpr i64 PATIENCE = 24;  // ticks that a state is compared with those after it, at first
    static constexpr i64 PATIENCE_MOST = 512;

    // What the items of a queue are in a slot: active or not, and the needs by wait (far below 0: none).
    struct Placed {
        i64 slot = -1;
        std::vector<bool> active;
        std::vector<Ints> needs;
    };

    Stepper& stepper_;
    const Phase& phase_;
    SnapP first_;
    i64 age_ = 0, patience_ = PATIENCE;
    std::vector<Placed> placed_;

    // How often, at most `most` times, the items of a queue are those of the step again.
    i64 alike(std::size_t q, const Step& step, const Ints& moved, i64 most) {
        i64 x = step.a->item[q], y = step.b->item[q], by = y - x;
        if (by < 0) return 0;
        i64 size = i64(phase_.queues[q].body.size());
        i64 room = (size - y) / by + 1;  // more cannot be asked for: the body ends
        i64 end = std::min(size, y + by * std::min(most, room) + 1);
        const Placed& placed = place(q, step.a->slot[q]);
        for (i64 at = x; at + by < end; ++at)
            if (!pair(q, step, moved, placed, at, at + by)) return std::max(i64(0), quotient(at - 1 - y + by, by));
        return std::max(i64(0), quotient(end - by - 1 - y + by, by));
    }

    bool pair(std::size_t q, const Step& step, const Ints& moved, const Placed& placed, i64 one, i64 two) const {
        const Snapshot& a = *step.a;
        const Item &i = phase_.queues[q].body[one], &j = phase_.queues[q].body[two];
        const Task& task = phase_.tasks[i.task];
        if (placed.active[one] != placed.active[two] || i.task != j.task || j.k - i.k != moved[i.task]) return false;
        if (!task.inner_class.empty() && task.inner_class[i.k] != task.inner_class[j.k]) return false;
        for (std::size_t w = 0; w < task.waits.size(); ++w) {
            i64 n = placed.needs[one][w], m = placed.needs[two][w], to = task.waits[w].producer;
            i64 over = std::max(i64(0), a.reached[to] - a.window[to]);
            if (!((m - n == moved[to] && n >= 0) || std::max(n, m) < over)) return false;
        }
        return true;
    }

    const Placed& place(std::size_t q, i64 slot) {
        Placed& placed = placed_[q];
        if (placed.slot == slot) return placed;
        const auto& body = phase_.queues[q].body;
        placed.slot = slot;
        placed.active.assign(body.size(), false);
        placed.needs.resize(body.size());
        Ints digits(phase_.counts.size());
        i64 known = NOBODY, iteration = 0;
        for (std::size_t n = 0; n < body.size(); ++n) {
            const Task& task = phase_.tasks[body[n].task];
            if (body[n].task != known) {
                known = body[n].task;
                iteration = slot - task.shift;
                if (iteration >= 0) digits_of(phase_.counts, iteration, digits);
            }
            Ints& needs = placed.needs[n];
            needs.assign(task.waits.size(), -FOREVER / 2);
            if (iteration < 0 || iteration >= stepper_.total || !phase_.holds(task.guard, digits, body[n].k)) continue;
            placed.active[n] = true;
            for (std::size_t w = 0; w < task.waits.size(); ++w)
                if (phase_.holds(task.waits[w].guard, digits, body[n].k)) {
                    const Wait& wait = task.waits[w];
                    needs[w] = wait.offset + (wait.inner.empty() ? 0 : wait.inner[body[n].k]);
                    for (std::size_t d = 0; d < digits.size(); ++d) needs[w] += wait.strides[d] * digits[d];
                }
        }
        return placed;
    }

    static constexpr i64 NOBODY = -1;
};

}  // namespace accelsim
