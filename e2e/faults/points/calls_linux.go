//go:build cgo

package points

/*
#define _FILE_OFFSET_BITS 64
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

// The head of SQLite's interface to a system, which never changes: https://www.sqlite.org/c3ref/vfs.html. Its "unix" implementation makes each
// system call through a table whose entries a test may replace.
typedef struct vfs {
	int version, sizeOfFile, longestPath;
	struct vfs *next;
	const char *name;
	void *data;
	void (*before[13])(void); // methods from xOpen to xCurrentTimeInt64
	int (*setSystemCall)(struct vfs *, const char *name, void (*call)(void));
} vfs;

// It is in the same executable, in the code of the driver, which is not there when cgo looks at this package alone.
extern vfs *sqlite3_vfs_find(const char *name) __attribute__((weak));

extern void pointsBeforeWrite(int fd, void *buf, size_t n, int64_t at);
extern void pointsUnlocked(void);

// On Linux SQLite writes with pwrite. Were it built otherwise, no point in the log would be reached, and the test would say so.
static ssize_t watchedWrite(int fd, const void *buf, size_t n, off_t at) {
	pointsBeforeWrite(fd, (void *)buf, n, at);
	return pwrite(fd, buf, n, at);
}

// The locks of the log are bytes of its index. That of the writer is the first.
enum { writeLock = 120 };

static int watchedLock(int fd, int command, ...) {
	va_list rest;
	va_start(rest, command);
	struct flock *lock = va_arg(rest, struct flock *);
	va_end(rest);
	int result = fcntl(fd, command, lock);
	if (command == F_SETLK && lock->l_type == F_UNLCK && lock->l_start == writeLock && lock->l_len == 1)
		pointsUnlocked();
	return result;
}

static int watchCalls(void) {
	vfs *unix_vfs = sqlite3_vfs_find("unix");
	if (unix_vfs == NULL || unix_vfs->version < 3)
		return -1;
	int wrong = unix_vfs->setSystemCall(unix_vfs, "pwrite", (void (*)(void))watchedWrite);
	return wrong | unix_vfs->setSystemCall(unix_vfs, "fcntl", (void (*)(void))watchedLock);
}
*/
import "C"

func watchCalls() {
	if code := C.watchCalls(); code != 0 {
		panic("SQLite does not let its system calls be watched")
	}
}
