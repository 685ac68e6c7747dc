/*
 * A FUSE file system for tests that stops answering: silent-fs MODE MOUNTPOINT, where MODE is getattr, open, read, or
 * none for one that always answers. It holds /file with the content "answer\n" and the directory /directory.
 */
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char content[] = "answer\n";
static const char *mode;

static void silence_if(const char *operation) {
    while (strcmp(mode, operation) == 0) pause();
}

static int get_attributes(const char *path, struct stat *st, struct fuse_file_info *info) {
    (void)info;
    silence_if("getattr");
    memset(st, 0, sizeof *st);
    st->st_nlink = 1;
    if (strcmp(path, "/") == 0 || strcmp(path, "/directory") == 0) {
        st->st_mode = S_IFDIR | 0755;
        return 0;
    }
    if (strcmp(path, "/file") != 0) return -ENOENT;
    st->st_mode = S_IFREG | 0644;
    st->st_size = sizeof content - 1;
    return 0;
}

static int list(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
                enum fuse_readdir_flags flags) {
    (void)offset, (void)info, (void)flags;
    if (strcmp(path, "/") != 0) return 0;
    fill(buffer, "file", NULL, 0, 0);
    fill(buffer, "directory", NULL, 0, 0);
    return 0;
}

static int open_file(const char *path, struct fuse_file_info *info) {
    (void)path, (void)info;
    silence_if("open");
    return 0;
}

static int read_file(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *info) {
    (void)path, (void)info;
    silence_if("read");
    if (offset >= (off_t)sizeof content - 1) return 0;
    const size_t rest = sizeof content - 1 - (size_t)offset;
    const size_t count = rest < size ? rest : size;
    memcpy(buffer, content + offset, count);
    return (int)count;
}

static const struct fuse_operations operations = {
    .getattr = get_attributes, .readdir = list, .open = open_file, .read = read_file};

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODE MOUNTPOINT\n", argv[0]);
        return 2;
    }
    mode = argv[1];
    /* Whoever waits for it cannot be killed, so a test that fails must not leave it behind. */
    alarm(60);
    char *arguments[] = {argv[0], "-s", "-f", "-o", "allow_other,attr_timeout=0,entry_timeout=0", argv[2], NULL};
    return fuse_main(6, arguments, &operations, NULL);
}
