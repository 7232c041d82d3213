/* Faults of a disk, put between a program and the kernel by LD_PRELOAD: for tests only.
 *
 * The file that DROVER_FAULTS names is read at every call, so that faults come and go while the program runs. Its lines:
 *   path TEXT      only files whose path contains TEXT (default: all)
 *   delay MS       each flush takes so much longer
 *   hang           each flush waits until this line is gone
 *   flush ERRNO    each flush fails with this error
 *   write ERRNO    each write fails with this error
 *   clock S        the time of day is so many seconds off; looked at every few milliseconds
 * Without the file nothing happens.
 *
 * DROVER_CLOCK_SHIFT is added, in seconds, to the time of day; clocks that only go forward stay as they are.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct faults {
    char path[256];
    long delay_ms;
    int hang;
    int flush_error;
    int write_error;
};

static void rest(long ms) {
    struct timespec time = {ms / 1000, (ms % 1000) * 1000000L};
    while (nanosleep(&time, &time) != 0 && errno == EINTR) {
    }
}

/* Whether there is anything in the file. */
static int read_file(char *text, size_t size) {
    const char *file = getenv("DROVER_FAULTS");
    if (file == NULL) return 0;
    int control = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
    if (control < 0) return 0;
    ssize_t count = syscall(SYS_read, control, text, size - 1);
    syscall(SYS_close, control);
    if (count <= 0) return 0;
    text[count] = 0;
    return 1;
}

/* Whether anything is to happen to this descriptor now. */
static int read_faults(int fd, struct faults *out) {
    char text[1024];
    if (!read_file(text, sizeof text)) return 0;
    memset(out, 0, sizeof *out);
    char *rest_of_text = NULL;
    for (char *line = strtok_r(text, "\n", &rest_of_text); line != NULL; line = strtok_r(NULL, "\n", &rest_of_text)) {
        sscanf(line, "path %255s", out->path);
        sscanf(line, "delay %ld", &out->delay_ms);
        sscanf(line, "flush %d", &out->flush_error);
        sscanf(line, "write %d", &out->write_error);
        if (strcmp(line, "hang") == 0) out->hang = 1;
    }
    if (out->path[0] == 0) return 1;
    char link[64], target[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length <= 0) return 0;
    target[length] = 0;
    return strstr(target, out->path) != NULL;
}

static int before_flush(int fd) {
    struct faults faults;
    int saved = errno;
    while (read_faults(fd, &faults)) {
        if (faults.flush_error != 0) {
            errno = faults.flush_error;
            return -1;
        }
        if (!faults.hang) {
            if (faults.delay_ms > 0) rest(faults.delay_ms);
            break;
        }
        rest(5);
    }
    errno = saved;
    return 0;
}

static int before_write(int fd) {
    struct faults faults;
    int saved = errno;
    if (read_faults(fd, &faults) && faults.write_error != 0) {
        errno = faults.write_error;
        return -1;
    }
    errno = saved;
    return 0;
}

int fdatasync(int fd) {
    if (before_flush(fd) != 0) return -1;
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd) {
    if (before_flush(fd) != 0) return -1;
    return (int)syscall(SYS_fsync, fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    if (before_write(fd) != 0) return -1;
    return syscall(SYS_pwrite64, fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    if (before_write(fd) != 0) return -1;
    return syscall(SYS_pwrite64, fd, bytes, count, offset);
}

/* What the file says of the clock. Asked too often to read it each time. */
static time_t file_shift(void) {
    static _Atomic long long looked_at, shift;
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    long long ms = now.tv_sec * 1000LL + now.tv_nsec / 1000000;
    if (ms - looked_at < 5) return (time_t)shift;
    looked_at = ms;
    char text[1024];
    long long found = 0;
    int saved = errno;
    if (read_file(text, sizeof text)) {
        const char *line = strstr(text, "clock ");
        if (line != NULL) sscanf(line, "clock %lld", &found);
    }
    errno = saved;
    shift = found;
    return (time_t)found;
}

static time_t clock_shift(void) {
    const char *text = getenv("DROVER_CLOCK_SHIFT");
    return file_shift() + (text == NULL ? 0 : (time_t)strtoll(text, NULL, 10));
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    int result = (int)syscall(SYS_clock_gettime, clock, out);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) out->tv_sec += clock_shift();
    return result;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
