// A phase in flight, one tick at a time: sim/stepper.py in C++, with the same names.
#pragma once
#include "active.h"
#include "course.h"
#include "plan.h"
#include "words.h"

namespace accelsim {

enum Status : i64 { BLOCKED, TIMED, OFFERED, DONE };

struct Stepper : Words, Fixed {
    i64 now = 0;
    Ints since, peak;
    std::vector<Head> head;
    std::vector<Course> courses;  // by task
    std::vector<Event> events;
    std::vector<std::vector<Offer>> offers;

    explicit Stepper(const Phase& of)
        : Words(of), Fixed(of), courses(courses_of(*this)), plans_(of), touched_(of.pools.size()), is_touched_(of.pools.size()),
          fresh_(of.queues.size()), awake_(of.queues.size()), later_(of.queues.size()) {
        clear();
        for (std::size_t t = 0; t < phase.tasks.size(); ++t) reached[t] = -shift[t] * inner[t];
        item.fill(-1);
        status.fill(BLOCKED);
        head.resize(phase.queues.size());
        active_.resize(phase.tasks.size());
        offers.resize(std::size_t(phase.resources));
        since.assign(phase.pools.size(), 0);
        peak.assign(groups.size(), 0);
        buffer_level_.assign(std::size_t(phase.buffers), 0);
    }

    // Everything that happens at tick 0.
    void begin() {
        for (std::size_t q = 0; q < phase.queues.size(); ++q) fresh_.push(i64(q));
        finish_tick();
    }

    // Go to the next tick at which something happens and do all of it; false if there is none.
    [[gnu::flatten]] bool tick() {
        if (events.empty()) return false;
        now = events.back().time;
        while (!events.empty() && events.back().time == now) {
            Event event = pop(events);
            if (event.is_start()) {
                i64 queue = event.queue();
                if (bus[queue])
                    offer(queue);
                else
                    launch(queue);
            } else {
                for (auto [pool, amount] : given[event.gives()]) hold(pool, -amount);
            }
        }
        finish_tick();
        return true;
    }

    // Begin a peak anew from what each group of pools holds now.
    void begin_peak() {
        for (std::size_t g = 0; g < groups.size(); ++g) {
            peak[g] = 0;
            for (i64 p : groups[g]) peak[g] += level[p];
        }
    }

    // What the state relative to now looks like, as far as that is had at once.
    std::uint64_t glance() const {
        std::uint64_t h = events.size();
        for (std::size_t q = 0; q < status.size(); ++q)
            h = mixed(mixed(h, status[q] + 4 * wait[q]), status[q] == DONE ? -1 : item[q]);
        for (i64 at : free) h = mixed(h, at > now ? at - now : 0);
        return mixed(h, events.empty() ? 0 : events.back().time - now);
    }

    // Count up to now what runs on: pools, and the stalls of blocked heads.
    void sync() {
        for (std::size_t pool = 0; pool < level.size(); ++pool) {
            integral[pool] += i128(level[pool]) * (now - since[pool]);
            since[pool] = now;
        }
        for (std::size_t q = 0; q < status.size(); ++q)
            if (status[q] == BLOCKED && ready[q] < now) {
                if (!bus[q]) stall(q, phase.tasks[head[q].task].waits[wait[q]].cause) += now - ready[q];
                ready[q] = now;
            }
    }

    // After a move: heads, sleepers and offers anew from the positions.
    void reattach() {
        for (Course& course : courses) course.sleepers.clear();
        std::fill(buffer_level_.begin(), buffer_level_.end(), 0);
        for (std::size_t p = 0; p < level.size(); ++p) buffer_level_[phase.pools[p]] += level[p];
        for (std::size_t q = 0; q < status.size(); ++q) {
            if (status[q] == DONE) continue;
            const Item& at = phase.queues[q].body[item[q]];
            plan(q, at.task, slot[q] - shift[at.task], at.k);
            if (status[q] == BLOCKED)
                courses[phase.tasks[at.task].waits[wait[q]].producer].sleepers.push_back({need(i64(q), wait[q]), i64(q)});
        }
        offered_ = 0;
        for (i64 r : buses) {
            std::sort(offers[r].rbegin(), offers[r].rend());  // slots may have moved apart
            offered_ += offers[r].size();
        }
    }

    Active& active(i64 task) {
        if (!active_[task]) active_[task] = std::make_unique<Active>(phase, phase.tasks[task]);
        return *active_[task];
    }

    // Make an item the head of its queue; false if it is inactive.
    bool plan(i64 queue, i64 number, i64 iteration, i64 k) { return plans_.item(number, iteration, k, head[queue]); }

    // The instance that a wait of the head of a queue needs (negative: met).
    i64 need(i64 queue, i64 wait) const { return plans_.need(head[queue], std::size_t(wait)); }

    i64& stall(i64 queue, i64 cause) { return counters[phase.classes + phase.stall_at[queue * phase.causes + cause]]; }

  private:
    std::vector<std::unique_ptr<Active>> active_;
    Plans plans_;
    Ints buffer_level_;            // what buffers hold
    Pile touched_;                 // pools that have changed in this tick
    std::vector<char> is_touched_;
    Pile fresh_, awake_, later_;   // queues that need a new head; whose wait has been reached
    std::size_t offered_ = 0;      // heads offered to all buses

    void finish_tick() {
        quiet();
        while (serve()) quiet();
        for (i64 pool : touched_) {
            i64 buffer = phase.pools[pool], group = i64(level.size()) + buffer;
            peak[pool] = std::max(peak[pool], level[pool]);
            peak[group] = std::max(peak[group], buffer_level_[buffer]);
            is_touched_[pool] = false;
        }
        touched_.clear();
    }

    // Step (1) until nothing changes.
    void quiet() {
        while (!fresh_.empty() || !awake_.empty()) {
            if (!awake_.empty()) {
                i64 queue = awake_.pop();
                if (look(queue)) launch(queue);
            } else {
                i64 queue = fresh_.pop();
                if (advance(queue) && look(queue)) launch(queue);
            }
        }
    }

    // Step (2): every free bus starts one offered head.
    bool serve() {
        if (!offered_) return false;
        bool any_started = false;
        for (i64 r : buses) {
            if (offers[r].empty() || free[r] > now) continue;
            --offered_;
            launch(pop(offers[r]).queue);
            any_started = true;
            later_.clear();
            for (i64 queue : awake_) {
                if (bus[queue])
                    look(queue);
                else
                    later_.push(queue);
            }
            awake_.swap(later_);
        }
        return any_started;
    }

    // Go on to the next active item; false at the end of the queue.
    bool advance(i64 queue) {
        const Lane& lane = lanes[queue];
        i64 at_slot = slot[queue], at = item[queue], inactive = 0;
        const i64 size = lane.size;
        while (true) {
            if (++at >= size) {
                at = 0;
                ++at_slot;
                if (inactive >= size) at_slot = hop(queue, at_slot);
            }
            if (at_slot >= slots || !size) {
                slot[queue] = at_slot;
                item[queue] = at;
                status[queue] = DONE;
                return false;
            }
            const Item& one = lane.body[at];
            i64 iteration = at_slot - shift[one.task];
            if (iteration >= 0 && iteration < total && plan(queue, one.task, iteration, one.k)) break;
            ++inactive;
            reach(one.task, iteration * inner[one.task] + one.k);
        }
        slot[queue] = at_slot;
        item[queue] = at;
        wait[queue] = 0;
        ready[queue] = lane.is_bus ? now : free[lane.resource];
        return true;
    }

    // The next slot with a chance of an active item; the tasks have passed to it.
    [[gnu::noinline]] i64 hop(i64 queue, i64 from) {
        i64 target = slots;
        for (i64 task : used[queue])
            target = std::min(target, active(task).next(std::max(from - shift[task], i64(0))) + shift[task]);
        if (target <= from) return from;
        for (i64 task : used[queue]) reach(task, (target - shift[task]) * inner[task] - 1);
        return target;
    }

    // Go through the waits of the head; true if it is to start now on a resource of its own.
    bool look(i64 queue) {
        const Head& mine = head[queue];
        const Plans::Planned& planned = plans_.of(mine);
        const bool is_bus = lanes[queue].is_bus;
        i64 at = ready[queue];
        for (const Plans::Need* one = planned.needs + wait[queue]; one != planned.end_of_needs; ++one) {
            i64 need = plans_.need(mine, one);
            if (need < 0) continue;
            Course& producer = courses[one->producer];
            if (need >= reached[one->producer]) {
                wait[queue] = one - planned.needs;
                ready[queue] = at;
                status[queue] = BLOCKED;
                producer.sleepers.push_back({need, queue});
                return false;
            }
            // Passed over: not before the last active one ahead of it; or long over.
            i64 met = now;
            if (const Started* kept = producer.times.up_to(need)) {
                i64 from = (one->at_start ? kept->start : kept->end) + plans_.lag(mine, one);
                met = kept->instance == need ? from : std::max(now, from);
            }
            if (met > at) {
                if (!is_bus) counters[one->stall] += met - at;
                at = met;
            }
        }
        wait[queue] = planned.end_of_needs - planned.needs;
        ready[queue] = at;
        if (at > now) {
            status[queue] = TIMED;
            push(events, Event::start(at, queue));
            return false;
        }
        if (is_bus) offer(queue);
        return !is_bus;
    }

    void offer(i64 queue) {
        status[queue] = OFFERED;
        ++offered_;
        push(offers[lanes[queue].resource], Offer{ready[queue], slot[queue], queue});
    }

    void reach(i64 task, i64 instance) {
        reached[task] = instance + 1;
        auto& sleepers = courses[task].sleepers;
        if (!sleepers.empty()) awake(sleepers, instance);
    }

    // Those who waited for an instance up to this one.
    [[gnu::noinline]] void awake(std::vector<std::pair<i64, i64>>& sleepers, i64 instance) {
        std::size_t kept = 0;
        for (const auto& one : sleepers) {
            if (one.first > instance)
                sleepers[kept++] = one;
            else
                awake_.push(one.second);
        }
        sleepers.resize(kept);
    }

    // Start the head.
    void launch(i64 queue) {
        const Head& mine = head[queue];
        i64 number = mine.task, kind = mine.kind, instance = mine.instance;
        Course& task = courses[number];
        i64 end = now + task.durations[kind];
        if (task.is_kept) {
            task.times.add(instance, now, end);
            task.let_go(now);
        }
        free[task.resource] = end;
        ++counters[task.base + kind];
        if (task.takes)
            for (const Amounts& one : phase.tasks[number].takes) hold(one.pool, one.by_class[kind]);
        if (task.ends) push(events, Event::end(end, task.resource, task.give_number[kind]));
        reach(number, instance);
        fresh_.push(queue);
    }

    void hold(i64 pool, i64 amount) {
        integral[pool] += i128(level[pool]) * (now - since[pool]);
        since[pool] = now;
        level[pool] += amount;
        buffer_level_[phase.pools[pool]] += amount;
        if (!is_touched_[pool]) {
            is_touched_[pool] = true;
            touched_.push(pool);
        }
    }
};

}  // namespace accelsim
