/*
 * What Node cannot ask the kernel: extended attributes, the state of an entry without waking the file server that may
 * stand behind it, who connected to a Unix socket, and to open no network socket ever again. See docs/decisions for why
 * each function is here.
 *
 * Every function checks the types of its arguments and throws a TypeError when they are wrong. Errors of the kernel
 * are no exceptions: they come back as a negative errno, which the caller names with util.getSystemErrorName().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <node_api.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

/* XATTR_SIZE_MAX of the kernel: no value is longer. */
#define MAX_VALUE 65536
/* The order of what glance() writes; native.ts reads by it. */
enum { F_MODE, F_UID, F_GID, F_LINKS, F_SIZE, F_DEVICE, F_INODE, F_MODIFIED_MS, F_CHANGED_MS, F_MOUNT, F_COUNT };

static napi_value refuse(napi_env env, const char *message) {
    napi_throw_type_error(env, NULL, message);
    return NULL;
}

static napi_value number(napi_env env, int32_t value) {
    napi_value result = NULL;
    napi_create_int32(env, value, &result);
    return result;
}

static double milliseconds(struct statx_timestamp time) {
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* One path component, given as latin1 text: a character is a byte. Returns 0 when it is none, or over PATH_MAX. */
static int take_name(napi_env env, napi_value value, char name[PATH_MAX]) {
    size_t length = 0;
    if (napi_get_value_string_latin1(env, value, name, PATH_MAX, &length) != napi_ok) return 0;
    return length < PATH_MAX - 1 && memchr(name, '\0', length) == NULL && strchr(name, '/') == NULL;
}

/*
 * glance(directoryFd, name, fields): statx(2) of an entry of a directory, or of the descriptor itself when the name is
 * empty. Follows no link, triggers no automount, and takes what the kernel has at hand instead of asking a file server.
 * Writes F_COUNT numbers into the Float64Array `fields`; the mount id is 0 on kernels before 5.8.
 * Returns 0, or the negative errno.
 */
static napi_value glance(napi_env env, napi_callback_info info) {
    napi_value args[3];
    size_t count = 3;
    int32_t directory = -1;
    char name[PATH_MAX];
    napi_typedarray_type type;
    size_t length = 0;
    void *data = NULL;

    if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count != 3)
        return refuse(env, "glance(directoryFd, name, fields)");
    if (napi_get_value_int32(env, args[0], &directory) != napi_ok || directory < 0)
        return refuse(env, "glance: directoryFd must be a descriptor");
    if (!take_name(env, args[1], name)) return refuse(env, "glance: name must be one path component");
    if (napi_get_typedarray_info(env, args[2], &type, &length, &data, NULL, NULL) != napi_ok ||
        type != napi_float64_array || length < F_COUNT || data == NULL)
        return refuse(env, "glance: fields must be a Float64Array with room");

    struct statx found;
    memset(&found, 0, sizeof found);
    const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC | (name[0] == '\0' ? AT_EMPTY_PATH : 0);
    unsigned int mask = STATX_BASIC_STATS;
#ifdef STATX_MNT_ID
    mask |= STATX_MNT_ID;
#endif
    if (statx(directory, name, flags, mask, &found) != 0) return number(env, -errno);

    double fields[F_COUNT] = {0};
    fields[F_MODE] = (double)found.stx_mode;
    fields[F_UID] = (double)found.stx_uid;
    fields[F_GID] = (double)found.stx_gid;
    fields[F_LINKS] = (double)found.stx_nlink;
    fields[F_SIZE] = (double)found.stx_size;
    fields[F_DEVICE] = (double)makedev(found.stx_dev_major, found.stx_dev_minor);
    fields[F_INODE] = (double)found.stx_ino;
    fields[F_MODIFIED_MS] = milliseconds(found.stx_mtime);
    fields[F_CHANGED_MS] = milliseconds(found.stx_ctime);
#ifdef STATX_MNT_ID
    if (found.stx_mask & STATX_MNT_ID) fields[F_MOUNT] = (double)found.stx_mnt_id;
#endif
    memcpy(data, fields, sizeof fields);
    return number(env, 0);
}

/*
 * readAttribute(fd, name): the value of an extended attribute as a Buffer, null when there is none of that name, or
 * the negative errno. The descriptor may be an O_PATH one, of a link too; nothing is opened.
 */
static napi_value read_attribute(napi_env env, napi_callback_info info) {
    napi_value args[2];
    size_t count = 2;
    int32_t fd = -1;
    char name[PATH_MAX];
    char path[32];
    unsigned char value[MAX_VALUE];

    if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count != 2)
        return refuse(env, "readAttribute(fd, name)");
    if (napi_get_value_int32(env, args[0], &fd) != napi_ok || fd < 0)
        return refuse(env, "readAttribute: fd must be a descriptor");
    if (!take_name(env, args[1], name) || name[0] == '\0')
        return refuse(env, "readAttribute: name must be the name of an attribute");

    /* fgetxattr(2) refuses O_PATH descriptors; through /proc it is the same entry. */
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const ssize_t size = getxattr(path, name, value, sizeof value);
    napi_value result = NULL;
    if (size < 0 && errno == ENODATA) {
        napi_get_null(env, &result);
        return result;
    }
    if (size < 0) return number(env, -errno);
    napi_create_buffer_copy(env, (size_t)size, value, NULL, &result);
    return result;
}

/*
 * peerCredentials(fd): [pid, uid, gid] of whoever connected this Unix socket, as the kernel noted it at connect(2), or
 * null when the descriptor is no such socket.
 */
static napi_value peer_credentials(napi_env env, napi_callback_info info) {
    napi_value args[1];
    size_t count = 1;
    int32_t fd = -1;
    struct ucred peer;
    socklen_t size = sizeof peer;
    int domain = -1;
    socklen_t domain_size = sizeof domain;

    if (napi_get_cb_info(env, info, &count, args, NULL, NULL) != napi_ok || count != 1)
        return refuse(env, "peerCredentials(fd)");
    if (napi_get_value_int32(env, args[0], &fd) != napi_ok || fd < 0)
        return refuse(env, "peerCredentials: fd must be a descriptor");

    napi_value result = NULL;
    memset(&peer, 0, sizeof peer);
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) != 0 || domain != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer || peer.pid <= 0) {
        napi_get_null(env, &result);
        return result;
    }
    const int64_t values[3] = {peer.pid, peer.uid, peer.gid};
    if (napi_create_array_with_length(env, 3, &result) != napi_ok) return NULL;
    for (uint32_t index = 0; index < 3; index++) {
        napi_value value = NULL;
        napi_create_int64(env, values[index], &value);
        napi_set_element(env, result, index, value);
    }
    return result;
}

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
/* The x32 table has the same architecture; its numbers have this bit. */
#define FOREIGN_BIT 0x40000000U
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#define FOREIGN_BIT 0x80000000U
#endif

#ifdef OUR_ARCH
#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (value))

/* The low halves of the arguments: the kernel takes each as an int. Both machines are little-endian. */
static const struct sock_filter socket_filter[] = {
    /*  0 */ FIELD(arch),
    /*  1 */ IF(OUR_ARCH, 0, 17),
    /*  2 */ FIELD(nr),
    /*  3 */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FOREIGN_BIT, 15, 0),
    /*  4 */ IF(__NR_io_uring_setup, 14, 0), /* IORING_OP_SOCKET opens sockets without socket(2) */
    /*  5 */ IF(__NR_socket, 1, 0),
    /*  6 */ IF(__NR_socketpair, 0, 10),
    /*  7 */ FIELD(args[0]),
    /*  8 */ IF(AF_UNIX, 8, 0),
    /*  9 */ IF(AF_NETLINK, 7, 0),
    /* 10 */ IF(AF_INET, 1, 0),
    /* 11 */ IF(AF_INET6, 0, 6),
    /* 12 */ FIELD(args[1]),
    /* 13 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf), /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
    /* 14 */ IF(SOCK_RAW, 0, 3),
    /* 15 */ FIELD(args[2]),
    /* 16 */ IF(IPPROTO_RAW, 0, 1),
    /* 17 */ ANSWER(SECCOMP_RET_ALLOW),
    /* 18 */ ANSWER(SECCOMP_RET_ERRNO | EAFNOSUPPORT),
    /* 19 */ ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
};
#endif

/*
 * restrictSockets(): seccomp(2) on all threads, inherited by children: socket(2) and socketpair(2) give AF_UNIX, AF_NETLINK
 * and the raw socket that receives nothing, by which iptables-legacy(8) reads its tables; others fail with EAFNOSUPPORT;
 * io_uring and the tables of other architectures, which would lead around that, with ENOSYS. There is no way back.
 * Returns 0, or the negative errno.
 */
static napi_value restrict_sockets(napi_env env, napi_callback_info info) {
    (void)info;
#ifdef OUR_ARCH
    struct sock_filter filter[sizeof socket_filter / sizeof socket_filter[0]];
    memcpy(filter, socket_filter, sizeof filter);
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    /* Without CAP_SYS_ADMIN the kernel wants the promise first that no program will gain privileges. */
    if (result != 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    /* A positive result is the thread that could not be made to follow. */
    if (result > 0) return number(env, -ESRCH);
    return number(env, result == 0 ? 0 : -errno);
#else
    return number(env, -ENOSYS);
#endif
}

static int export(napi_env env, napi_value exports, const char *name, napi_callback callback) {
    napi_value function;
    return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function) == napi_ok &&
           napi_set_named_property(env, exports, name, function) == napi_ok;
}

NAPI_MODULE_INIT() {
    if (!export(env, exports, "glance", glance) || !export(env, exports, "readAttribute", read_attribute) ||
        !export(env, exports, "peerCredentials", peer_credentials) ||
        !export(env, exports, "restrictSockets", restrict_sockets))
        napi_throw_error(env, NULL, "cannot export the native functions");
    return exports;
}
