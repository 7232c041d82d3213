// The Linux calls that Swift's Glibc module does not export, and wrappers for those whose
// C signature does not import (transparent unions, macros).
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
// Swift's Glibc module is built without __USE_XOPEN, where fd_set has other member names; both modules must agree.
#include <features.h>
#undef __USE_XOPEN
#include <sys/select.h>
#define __USE_XOPEN 1
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static inline int clinux_bind(int fd, const void *address, socklen_t length) {
    return bind(fd, (const struct sockaddr *)address, length);
}
static inline int clinux_connect(int fd, const void *address, socklen_t length) {
    return connect(fd, (const struct sockaddr *)address, length);
}
static inline int clinux_accept4(int fd, void *address, socklen_t *length, int flags) {
    return accept4(fd, (struct sockaddr *)address, length, flags);
}
static inline int clinux_getsockname(int fd, void *address, socklen_t *length) {
    return getsockname(fd, (struct sockaddr *)address, length);
}
static inline int clinux_getpeername(int fd, void *address, socklen_t *length) {
    return getpeername(fd, (struct sockaddr *)address, length);
}

// Sets how many descriptors another process may have open.
static inline int clinux_limit_descriptors(pid_t process, unsigned long soft, unsigned long hard) {
    // As the kernel has them (struct rlimit64, RLIMIT_NOFILE); <sys/resource.h> here would take its names from Swift's Glibc.
    unsigned long long limit[2] = {soft, hard};
    return (int)syscall(SYS_prlimit64, process, 7, limit, NULL);
}

// A descriptor that becomes readable when the process ends.
static inline int clinux_pidfd_open(pid_t process) {
    return (int)syscall(SYS_pidfd_open, process, 0);
}

/// The environment of this process; Swift does not import the variable itself.
static inline char **clinux_environ(void) { return environ; }
