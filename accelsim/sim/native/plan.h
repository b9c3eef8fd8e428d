// What one item of a queue is: active or not, its class and its needs: sim/plan.py.
#pragma once
#include "phase.h"

namespace accelsim {

struct Head {
    i64 task, instance, kind, k;
};

class Plans {
  public:
    // What a wait of the item that was asked for last of its task needs, which is the head of its queue.
    struct Need {
        i64 base, step;  // at k of 0, and how much more one innermost digit on
        i64 lag, producer;
        i64 stall;  // the counter of its stalls
        bool at_start, looks_inside, holds;
        bool is_listed;  // the need or the lag is not the same for all k and iterations
        bool is_plain;   // neither of both
    };

    // What is known of a task at the iteration that was asked for last; most often the next one comes next.
    struct Planned {
        i64 iteration = -2;
        i64 room = 0;                      // how many more there are in its row
        i64 kind = 0;                      // its class; -1: asked for item by item
        i64 inner, *last = nullptr;        // instances an iteration; the innermost digit
        Need *needs, *end_of_needs;
        bool has_edges, is_ragged_inside;  // classes by edges alone; by the innermost one
        bool looks_inside, holds = false;  // `holds` where the guard does not look inside
        Ints digits;
        std::vector<Need> all_needs;
    };

    explicit Plans(const Phase& phase) : phase_(phase), planned_(phase.tasks.size()) {
        for (std::size_t task = 0; task < planned_.size(); ++task) begin(phase.tasks[task], planned_[task]);
    }

    // Write what an item is; false (and nothing is written) if it is inactive.
    bool item(i64 number, i64 iteration, i64 k, Head& found) {
        Planned& planned = planned_[number];
        if (planned.iteration + 1 == iteration && planned.room)
            next(number, planned);
        else if (planned.iteration != iteration)
            go_to(phase_.tasks[number], planned, iteration);
        if (planned.looks_inside ? !phase_.holds(phase_.tasks[number].guard, planned.digits, k) : !planned.holds) return false;
        i64 kind = planned.kind >= 0 ? planned.kind : phase_.kind_of(phase_.tasks[number], planned.digits, iteration, k);
        if (kind < 0) return false;
        found = {number, iteration * planned.inner + k, kind, k};
        return true;
    }

    // The task of a head, at its iteration.
    const Planned& of(const Head& head) const { return planned_[head.task]; }

    // The instance that a wait of a head needs (negative: met).
    i64 need(const Head& head, std::size_t w) const { return need(head, of(head).needs + w); }

    i64 need(const Head& head, const Need* need) const {
        if (need->is_plain) return need->holds ? need->base : -1;
        const Planned& planned = planned_[head.task];
        const Wait& one = phase_.tasks[head.task].waits[std::size_t(need - planned.needs)];
        if (need->looks_inside ? !phase_.holds(one.guard, planned.digits, head.k) : !need->holds) return -1;
        return need->base + (one.inner.empty() ? 0 : one.inner[head.k]) + (one.needs.empty() ? 0 : one.needs[planned.iteration]);
    }

    i64 lag(const Head& head, const Need* need) const {
        if (!need->is_listed) return need->lag;
        const Planned& planned = planned_[head.task];
        const Ints& lags = phase_.tasks[head.task].waits[std::size_t(need - planned.needs)].lags;
        return need->lag + (lags.empty() ? 0 : lags[planned.iteration]);
    }

  private:
    const Phase& phase_;
    std::vector<Planned> planned_;

    void begin(const Task& task, Planned& planned) const {
        planned.inner = task.inner;
        planned.digits.assign(phase_.counts.size(), 0);
        if (!planned.digits.empty()) planned.last = &planned.digits.back();
        planned.looks_inside = phase_.looks_inside(task.guard);
        planned.has_edges = task.inner_class.empty() && task.kinds.empty();
        i64 last = i64(phase_.counts.size()) - 1;
        planned.is_ragged_inside = std::any_of(task.ragged.begin(), task.ragged.end(), [last](i64 n) { return n == last || ~n == last; });
        if (!planned.has_edges) planned.kind = -1;
        for (const Wait& one : task.waits) {
            bool looks_inside = phase_.looks_inside(one.guard), is_listed = !(one.inner.empty() && one.needs.empty() && one.lags.empty());
            planned.all_needs.push_back({0, one.strides.empty() ? 0 : one.strides.back(), one.lag, one.producer,
                                         phase_.classes + phase_.stall_at[task.queue * phase_.causes + one.cause], one.at_start,
                                         looks_inside, false, is_listed, !looks_inside && !is_listed});
        }
        planned.needs = planned.all_needs.data();
        planned.end_of_needs = planned.needs + planned.all_needs.size();
    }

    // Go on by one iteration in the same row.
    void next(i64 number, Planned& planned) const {
        ++planned.iteration;
        --planned.room;
        ++*planned.last;
        for (Need* need = planned.needs; need != planned.end_of_needs; ++need) need->base += need->step;
        bool at_edge = *planned.last == 1 || !planned.room;
        if (at_edge && planned.has_edges && planned.is_ragged_inside)
            planned.kind = phase_.kind_of(phase_.tasks[number], planned.digits, planned.iteration, 0);
    }

    [[gnu::noinline]] void go_to(const Task& task, Planned& planned, i64 iteration) const {
        planned.iteration = iteration;
        digits_of(phase_.counts, iteration, planned.digits);
        planned.room = planned.last ? phase_.counts.back() - 1 - *planned.last : 0;
        if (planned.has_edges) planned.kind = phase_.kind_of(task, planned.digits, iteration, 0);
        planned.holds = planned.looks_inside || phase_.holds(task.guard, planned.digits, 0);
        for (std::size_t w = 0; w < planned.all_needs.size(); ++w) {
            const Wait& one = task.waits[w];
            Need& need = planned.all_needs[w];
            need.holds = need.looks_inside || phase_.holds(one.guard, planned.digits, 0);
            need.base = one.offset;
            for (const Term& term : one.terms) need.base += term.factor * planned.digits[term.level];
        }
    }
};

}  // namespace accelsim
