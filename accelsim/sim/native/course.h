// What of a phase never changes while it runs, as the stepper asks for it; and its tasks in flight.
#pragma once
#include "times.h"

namespace accelsim {

// What never changes of a queue.
struct Lane {
    const Item* body;
    i64 size, resource;
    bool is_bus;
};

struct Fixed {
    const Phase& phase;
    i64 total, slots;
    std::vector<char> bus;
    std::vector<Lane> lanes;
    Ints resource, buses, owner, inner, shift;
    std::vector<Ints> used, groups;                       // tasks by queue; pools by what has a peak
    std::vector<Ints> give_number;                        // by task and class: one number for what is alike
    std::vector<std::vector<std::pair<i64, i64>>> given;  // by that number: pools and amounts

    explicit Fixed(const Phase& of) : phase(of), total(of.iterations), slots(of.slots) {
        Ints users(std::size_t(phase.resources), 0);
        for (const Queue& queue : phase.queues) ++users[queue.resource];
        for (const Queue& queue : phase.queues) {
            resource.push_back(queue.resource);
            bus.push_back(users[queue.resource] > 1);
            lanes.push_back({queue.body.data(), i64(queue.body.size()), queue.resource, bus.back() != 0});
            Ints mine;
            for (const Item& one : queue.body) mine.push_back(one.task);
            std::sort(mine.begin(), mine.end());
            mine.erase(std::unique(mine.begin(), mine.end()), mine.end());
            used.push_back(std::move(mine));
        }
        for (i64 r = 0; r < phase.resources; ++r)
            if (users[r] > 1) buses.push_back(r);
        for (const Task& task : phase.tasks) {
            owner.push_back(task.queue);
            inner.push_back(task.inner);
            shift.push_back(task.shift);
            give_number.push_back(number_gives(task));
        }
        std::size_t pools = phase.pools.size();
        groups.resize(pools + std::size_t(phase.buffers));
        for (std::size_t p = 0; p < pools; ++p) {
            groups[p] = {i64(p)};
            groups[pools + std::size_t(phase.pools[p])].push_back(i64(p));
        }
    }

  private:
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
};

// A task in flight: its last starts, who waits for it, and what a start of it needs to know.
struct alignas(128) Course {
    Times times;
    std::vector<std::pair<i64, i64>> sleepers;  // need and queue
    i64 lag_start = NO_LAG, lag_end = NO_LAG;   // the longest from its starts and ends
    const i64 *durations, *give_number;
    i64 base, resource;         // its first counter; what it runs on
    bool is_kept, ends, takes;  // its times are asked for; its end is something that happens

    static constexpr i64 NO_LAG = -LATEST;
    void let_go(i64 now) { times.let_go(now, lag_start, lag_end); }
};

inline std::vector<Course> courses_of(const Fixed& fixed) {
    std::vector<Course> courses(fixed.owner.size());
    i64 size = 0;
    for (std::size_t t = 0; t < courses.size(); ++t) {
        const Task& task = fixed.phase.tasks[t];
        Course& course = courses[t];
        course.durations = task.durations.data();
        course.give_number = fixed.give_number[t].data();
        course.base = size;
        course.resource = fixed.resource[task.queue];
        course.ends = fixed.bus[task.queue] || !task.gives.empty();
        course.takes = !task.takes.empty();
        size += i64(task.durations.size());
        for (const Wait& one : task.waits) {
            i64& lag = one.at_start ? courses[one.producer].lag_start : courses[one.producer].lag_end;
            lag = std::max(lag, one.longest_lag);
        }
    }
    for (Course& course : courses) course.is_kept = course.lag_start >= 0 || course.lag_end >= 0;
    return courses;
}

}  // namespace accelsim
