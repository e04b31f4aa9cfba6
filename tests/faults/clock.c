/* A clock that can be set while a process runs: loaded before the C library, it adds the seconds that stand in a file to the time of day.
   Durations are measured by another clock, which goes on as it does on a real machine whose time is set. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

static long offset(void) {
    static const char *path;
    long seconds = 0;
    if (!path && !(path = getenv("CLOCK_OFFSET_FILE"))) return 0;
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
    fclose(file);
    return seconds;
}

int clock_gettime(clockid_t which, struct timespec *into) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(which, into);
    if (!failed && which == CLOCK_REALTIME) into->tv_sec += offset();
    return failed;
}

int gettimeofday(struct timeval *restrict into, void *restrict zone) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    into->tv_sec = now.tv_sec;
    into->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}
