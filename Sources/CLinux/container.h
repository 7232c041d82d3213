// Namespaces, passing of descriptors and terminals: what a supervisor of containers needs of Linux.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#define CLINUX_NEWNS 0x00020000
#define CLINUX_NEWUTS 0x04000000
#define CLINUX_NEWIPC 0x08000000
#define CLINUX_NEWPID 0x20000000
#define CLINUX_NEWNET 0x40000000

static inline int clinux_unshare(int flags) { return (int)syscall(SYS_unshare, flags); }
static inline int clinux_setns(int fd, int kind) { return (int)syscall(SYS_setns, fd, kind); }

// Sends a signal to exactly the process that the descriptor was opened for.
static inline int clinux_pidfd_send_signal(int fd, int number) {
    return (int)syscall(SYS_pidfd_send_signal, fd, number, (void *)0, 0);
}

// Opens a file of a tree whose links are followed as if the tree were all there is.
static inline int clinux_open_in_root(int root, const char *path, uint64_t flags) {
    struct { uint64_t flags, mode, resolve; } how = {flags, 0, 0x10 /* RESOLVE_IN_ROOT */};
    return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

// Changes the groups and users of this thread; a process of one thread changes itself.
static inline int clinux_become(const gid_t *groups, size_t count, gid_t group, uid_t user) {
    if (syscall(SYS_setgroups, count, groups) != 0) return -1;
    if (syscall(SYS_setresgid, group, group, group) != 0) return -1;
    return (int)syscall(SYS_setresuid, user, user, user);
}

// Makes a terminal the one that this process's session is controlled by.
static inline int clinux_control_terminal(int fd) { return ioctl(fd, TIOCSCTTY, 0); }

static inline int clinux_set_window(int fd, unsigned short columns, unsigned short rows) {
    struct winsize size = {rows, columns, 0, 0};
    return ioctl(fd, TIOCSWINSZ, &size);
}

// Takes a descriptor that came over a Unix socket; -1 when there is none.
static inline int clinux_receive_descriptor(int socket) {
    char byte[512];
    union { char bytes[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control;
    struct iovec part = {byte, sizeof byte};
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t count;
    do { count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC); } while (count < 0 && errno == EINTR);
    if (count < 0) return -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head == 0 || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) return -1;
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(head), sizeof descriptor);
    return descriptor;
}

// This process is killed when the one that started it ends.
static inline int clinux_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

// Descendants become this process's children when their parents end.
static inline int clinux_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

// A file without a name, in memory, that no program inherits.
static inline int clinux_memory_file(const char *name) { return (int)syscall(SYS_memfd_create, name, 1u /* MFD_CLOEXEC */); }
