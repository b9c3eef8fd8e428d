// What one item of a queue is: active or not, its class and its needs: sim/plan.py.
#pragma once
#include "phase.h"

namespace accelsim {

struct Head {
    i64 task, instance, kind, k;
};

class Plans {
  public:
    explicit Plans(const Phase& phase) : phase_(phase) {
        for (const Task& task : phase.tasks) planned_.push_back(make_planned(task));
    }

    // Write what an item is; false (and nothing is written) if it is inactive.
    bool item(i64 number, i64 iteration, i64 k, Head& found) {
        const Task& task = phase_.tasks[number];
        Planned& planned = planned_[number];
        if (planned.iteration != iteration) go_to(task, planned, iteration);
        const Ints& digits = planned.digits;
        if (planned.looks_inside ? !phase_.holds(task.guard, digits, k) : !planned.holds) return false;
        i64 kind = planned.kind >= 0 ? planned.kind : phase_.kind_of(task, digits, iteration, k);
        if (kind < 0) return false;
        found.task = number;
        found.instance = iteration * task.inner + k;
        found.kind = kind;
        found.k = k;
        return true;
    }

    // What a wait of the item that was asked for last of its task needs, which is the head of its queue.
    struct Need {
        i64 base, step;  // at k of 0, and how much more one innermost digit on
        i64 producer, lag, cause;
        bool at_start, looks_inside, holds;
        bool is_listed;  // the need or the lag is not the same for all k and iterations
    };
    const std::vector<Need>& needs(const Head& head) const { return planned_[head.task].needs; }

    // The instance (negative: met).
    i64 need(const Head& head, std::size_t w) const {
        const Planned& planned = planned_[head.task];
        const Need& need = planned.needs[w];
        if (need.looks_inside ? !phase_.holds(phase_.tasks[head.task].waits[w].guard, planned.digits, head.k) : !need.holds)
            return -1;
        if (!need.is_listed) return need.base;
        const Wait& one = phase_.tasks[head.task].waits[w];
        return need.base + (one.inner.empty() ? 0 : one.inner[head.k]) + (one.needs.empty() ? 0 : one.needs[planned.iteration]);
    }

    i64 lag(const Head& head, std::size_t w) const {
        const Planned& planned = planned_[head.task];
        const Need& need = planned.needs[w];
        if (!need.is_listed) return need.lag;
        const Ints& lags = phase_.tasks[head.task].waits[w].lags;
        return need.lag + (lags.empty() ? 0 : lags[planned.iteration]);
    }

  private:
    // What is known of a task at the iteration that was asked for last; most often the next one comes next.
    struct Planned {
        i64 iteration = -2;
        Ints digits;
        i64 kind = 0;                                   // its class; -1: asked for item by item
        bool has_edges, is_ragged_inside;               // classes by edges alone; by the innermost one
        bool looks_inside, holds = false;               // `holds` where the guard does not look inside
        std::vector<Need> needs;
    };

    const Phase& phase_;
    std::vector<Planned> planned_;

    Planned make_planned(const Task& task) const {
        Planned found;
        found.digits.assign(phase_.counts.size(), 0);
        found.looks_inside = phase_.looks_inside(task.guard);
        found.has_edges = task.inner_class.empty() && task.kinds.empty();
        i64 last = i64(phase_.counts.size()) - 1;
        found.is_ragged_inside = std::any_of(task.ragged.begin(), task.ragged.end(), [last](i64 n) { return n == last || ~n == last; });
        if (!found.has_edges) found.kind = -1;
        for (const Wait& one : task.waits)
            found.needs.push_back({0, one.strides.empty() ? 0 : one.strides.back(), one.producer, one.lag, one.cause,
                                   one.at_start, phase_.looks_inside(one.guard), false,
                                   !(one.inner.empty() && one.needs.empty() && one.lags.empty())});
        return found;
    }

    void go_to(const Task& task, Planned& planned, i64 iteration) {
        Ints& digits = planned.digits;
        bool is_next = iteration == planned.iteration + 1 && !digits.empty() && digits.back() + 1 < phase_.counts.back();
        planned.iteration = iteration;
        if (is_next) {
            ++digits.back();
            for (Need& need : planned.needs) need.base += need.step;
            if (planned.has_edges && planned.is_ragged_inside) planned.kind = phase_.kind_of(task, digits, iteration, 0);
            return;
        }
        digits_of(phase_.counts, iteration, digits);
        if (planned.has_edges) planned.kind = phase_.kind_of(task, digits, iteration, 0);
        planned.holds = planned.looks_inside || phase_.holds(task.guard, digits, 0);
        for (std::size_t w = 0; w < planned.needs.size(); ++w) {
            const Wait& one = task.waits[w];
            Need& need = planned.needs[w];
            need.holds = need.looks_inside || phase_.holds(one.guard, digits, 0);
            need.base = one.offset;
            for (const Term& term : one.terms) need.base += term.factor * digits[term.level];
        }
    }
};

}  // namespace accelsim
