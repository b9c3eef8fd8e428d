// A phase in flight, one tick at a time: sim/stepper.py in C++, with the same names.
#pragma once
#include "active.h"
#include "plan.h"
#include "times.h"

namespace accelsim {

enum Status : i64 { BLOCKED, TIMED, OFFERED, DONE };

struct Stepper {
    const Phase& phase;
    i64 total, slots, now = 0;
    std::vector<char> bus;
    Ints resource, buses, owner, inner, shift;
    std::vector<Ints> used, groups;
    Ints lag_start, lag_end;
    Ints slot, item, wait, ready, status, free, reached, counters, level, since, peak;
    std::vector<i128> integral;
    std::vector<Head> head;
    std::vector<Times> times;
    std::vector<Event> events;
    std::vector<std::vector<Offer>> offers;
    Ints base;
    i64 stall_base;
    std::vector<Ints> give_number;                               // by task and class: one number for what is alike
    std::vector<std::vector<std::pair<i64, i64>>> given;         // by that number: pools and amounts

    explicit Stepper(const Phase& of) : phase(of), total(of.iterations), slots(of.slots), plans_(of) {
        std::size_t queues = phase.queues.size(), tasks = phase.tasks.size();
        Ints users(phase.resources, 0);
        for (const Queue& queue : phase.queues) ++users[queue.resource];
        for (const Queue& queue : phase.queues) {
            resource.push_back(queue.resource);
            bus.push_back(users[queue.resource] > 1);
            Ints mine;
            for (const Item& one : queue.body) mine.push_back(one.task);
            std::sort(mine.begin(), mine.end());
            mine.erase(std::unique(mine.begin(), mine.end()), mine.end());
            used.push_back(mine);
        }
        for (i64 r = 0; r < phase.resources; ++r)
            if (users[r] > 1) buses.push_back(r);
        lag_start.assign(tasks, -1);
        lag_end.assign(tasks, -1);
        i64 size = 0;
        for (const Task& task : phase.tasks) {
            owner.push_back(task.queue);
            inner.push_back(task.inner);
            shift.push_back(task.shift);
            reached.push_back(-task.shift * task.inner);
            base.push_back(size);
            size += i64(task.durations.size());
            for (const Wait& one : task.waits) {
                i64& lag = (one.at_start ? lag_start : lag_end)[one.producer];
                lag = std::max(lag, one.longest_lag);
            }
            give_number.push_back(number_gives(task));
        }
        for (std::size_t t = 0; t < tasks; ++t) {
            const Task& task = phase.tasks[t];
            starts_.push_back({task.durations.data(), give_number[t].data(), base[t], resource[task.queue], lag_start[t], lag_end[t],
                               lag_start[t] >= 0 || lag_end[t] >= 0, bus[task.queue] || !task.gives.empty(), !task.takes.empty()});
        }
        stall_base = size;
        counters.assign(size + i64(queues) * phase.causes, 0);
        slot.assign(queues, 0);
        item.assign(queues, -1);
        wait.assign(queues, 0);
        ready.assign(queues, 0);
        status.assign(queues, BLOCKED);
        head.resize(queues);
        free.assign(phase.resources, 0);
        times.resize(tasks);
        sleepers_.resize(tasks);
        active_.resize(tasks);
        offers.resize(phase.resources);
        std::size_t pools = phase.pools.size();
        level.assign(pools, 0);
        integral.assign(pools, 0);
        since.assign(pools, 0);
        groups.resize(pools + phase.buffers);
        for (std::size_t p = 0; p < pools; ++p) {
            groups[p] = {i64(p)};
            groups[pools + phase.pools[p]].push_back(i64(p));
        }
        peak.assign(groups.size(), 0);
        buffer_level_.assign(phase.buffers, 0);
    }

    // Everything that happens at tick 0.
    void begin() {
        for (std::size_t q = 0; q < phase.queues.size(); ++q) fresh_.push_back(i64(q));
        finish_tick();
    }

    // Go to the next tick at which something happens and do all of it; false if there is none.
    bool tick() {
        if (events.empty()) return false;
        now = events.back().time;
        while (!events.empty() && events.back().time == now) {
            Event event = pop(events);
            if (event.kind) {
                if (bus[event.n])
                    offer(event.n);
                else
                    launch(event.n);
            } else {
                for (auto [pool, amount] : given[event.gives]) hold(pool, -amount);
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
        for (auto& sleepers : sleepers_) sleepers.clear();
        std::fill(buffer_level_.begin(), buffer_level_.end(), 0);
        for (std::size_t p = 0; p < level.size(); ++p) buffer_level_[phase.pools[p]] += level[p];
        for (std::size_t q = 0; q < status.size(); ++q) {
            if (status[q] == DONE) continue;
            const Item& at = phase.queues[q].body[item[q]];
            plan(q, at.task, slot[q] - shift[at.task], at.k);
            if (status[q] == BLOCKED)
                sleepers_[phase.tasks[at.task].waits[wait[q]].producer].push_back({need(i64(q), wait[q]), i64(q)});
        }
        for (i64 r : buses) std::sort(offers[r].rbegin(), offers[r].rend());  // slots may have moved apart
    }

    Active& active(i64 task) {
        if (!active_[task]) active_[task] = std::make_unique<Active>(phase, phase.tasks[task]);
        return *active_[task];
    }

    // Make an item the head of its queue; false if it is inactive.
    bool plan(i64 queue, i64 number, i64 iteration, i64 k) { return plans_.item(number, iteration, k, head[queue]); }

    // The instance that a wait of the head of a queue needs (negative: met).
    i64 need(i64 queue, i64 wait) const { return plans_.need(head[queue], std::size_t(wait)); }

    i64& stall(i64 queue, i64 cause) { return counters[stall_base + queue * phase.causes + cause]; }

  private:
    std::vector<std::vector<std::pair<i64, i64>>> sleepers_;  // by producer: need and queue
    std::vector<std::unique_ptr<Active>> active_;
    Plans plans_;
    // What the start of a task needs to know of it.
    struct Starting {
        const i64 *durations, *give_number;
        i64 base, resource, lag_start, lag_end;
        bool is_kept, ends, takes;  // its times are asked for; its end is something that happens
    };
    std::vector<Starting> starts_;
    Ints buffer_level_, touched_;  // what buffers hold; pools that have changed in this tick
    Ints fresh_, awake_, later_;  // queues that need a new head; whose wait has been reached

    Ints number_gives(const Task& task) {
        Ints numbers;
        for (std::size_t kind = 0; kind < task.durations.size(); ++kind) {
            std::vector<std::pair<i64, i64>> mine;
            for (const Amounts& one : task.gives) mine.push_back({one.pool, one.by_class[kind]});
            auto place = std::find(given.begin(), given.end(), mine);
            numbers.push_back(place - given.begin());
            if (place == given.end()) given.push_back(mine);
        }
        return numbers;
    }

    void finish_tick() {
        quiet();
        while (serve()) quiet();
        for (i64 pool : touched_) {
            i64 buffer = phase.pools[pool], group = i64(level.size()) + buffer;
            peak[pool] = std::max(peak[pool], level[pool]);
            peak[group] = std::max(peak[group], buffer_level_[buffer]);
        }
        touched_.clear();
    }

    // Step (1) until nothing changes.
    void quiet() {
        while (!fresh_.empty() || !awake_.empty()) {
            if (!awake_.empty()) {
                i64 queue = awake_.back();
                awake_.pop_back();
                if (look(queue)) launch(queue);
            } else {
                i64 queue = fresh_.back();
                fresh_.pop_back();
                if (advance(queue) && look(queue)) launch(queue);
            }
        }
    }

    // Step (2): every free bus starts one offered head.
    bool serve() {
        bool any_started = false;
        for (i64 r : buses) {
            if (offers[r].empty() || free[r] > now) continue;
            launch(pop(offers[r]).queue);
            any_started = true;
            later_.clear();
            for (std::size_t n = 0; n < awake_.size(); ++n) {
                if (bus[awake_[n]])
                    look(awake_[n]);
                else
                    later_.push_back(awake_[n]);
            }
            awake_ = later_;
        }
        return any_started;
    }

    // Go on to the next active item; false at the end of the queue.
    bool advance(i64 queue) {
        const std::vector<Item>& body = phase.queues[queue].body;
        i64 size = i64(body.size()), at_slot = slot[queue], at = item[queue], inactive = 0;
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
            const Item& one = body[at];
            i64 iteration = at_slot - shift[one.task];
            if (iteration >= 0 && iteration < total && plan(queue, one.task, iteration, one.k)) break;
            ++inactive;
            reach(one.task, iteration * inner[one.task] + one.k);
        }
        slot[queue] = at_slot;
        item[queue] = at;
        wait[queue] = 0;
        ready[queue] = bus[queue] ? now : free[resource[queue]];
        return true;
    }

    // The next slot with a chance of an active item; the tasks have passed to it.
    i64 hop(i64 queue, i64 from) {
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
        const std::vector<Plans::Need>& waits = plans_.needs(mine);
        i64 at = ready[queue];
        for (std::size_t w = std::size_t(wait[queue]); w < waits.size(); ++w) {
            i64 need = plans_.need(mine, w);
            if (need < 0) continue;
            const Plans::Need& one = waits[w];
            if (need >= reached[one.producer]) {
                wait[queue] = i64(w);
                ready[queue] = at;
                status[queue] = BLOCKED;
                sleepers_[one.producer].push_back({need, queue});
                return false;
            }
            // Passed over: not before the last active one ahead of it; or long over.
            i64 met = now;
            if (const Started* kept = times[one.producer].up_to(need)) {
                i64 from = (one.at_start ? kept->start : kept->end) + plans_.lag(mine, w);
                met = kept->instance == need ? from : std::max(now, from);
            }
            if (met > at) {
                if (!bus[queue]) stall(queue, one.cause) += met - at;
                at = met;
            }
        }
        wait[queue] = i64(waits.size());
        ready[queue] = at;
        if (at > now) {
            status[queue] = TIMED;
            push(events, Event{at, 1, queue, -1});
            return false;
        }
        if (bus[queue]) {
            offer(queue);
            return false;
        }
        return true;
    }

    void offer(i64 queue) {
        status[queue] = OFFERED;
        push(offers[resource[queue]], Offer{ready[queue], slot[queue], queue});
    }

    void reach(i64 task, i64 instance) {
        reached[task] = instance + 1;
        auto& sleepers = sleepers_[task];
        if (sleepers.empty()) return;
        std::size_t kept = 0;
        for (const auto& one : sleepers) {
            if (one.first > instance)
                sleepers[kept++] = one;
            else
                awake_.push_back(one.second);
        }
        sleepers.resize(kept);
    }

    // Start the head.
    void launch(i64 queue) {
        const Head& mine = head[queue];
        i64 number = mine.task, kind = mine.kind, instance = mine.instance;
        const Starting& task = starts_[number];
        i64 end = now + task.durations[kind];
        if (task.is_kept) {
            times[number].add(instance, now, end);
            times[number].let_go(now, task.lag_start, task.lag_end);
        }
        free[task.resource] = end;
        ++counters[task.base + kind];
        if (task.takes)
            for (const Amounts& one : phase.tasks[number].takes) hold(one.pool, one.by_class[kind]);
        if (task.ends) push(events, Event{end, 0, task.resource, task.give_number[kind]});
        reach(number, instance);
        fresh_.push_back(queue);
    }

    void hold(i64 pool, i64 amount) {
        integral[pool] += i128(level[pool]) * (now - since[pool]);
        since[pool] = now;
        level[pool] += amount;
        buffer_level_[phase.pools[pool]] += amount;
        touched_.push_back(pool);
    }
};

}  // namespace accelsim
