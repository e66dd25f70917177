/**
 * Docker's default system-call filter as data, in a compact form: what every container may call, what a
 * capability, an architecture or an argument opens on top. Everything else fails with EPERM.
 * A test holds it against the reference profile for many sets of capabilities.
 */

/** A condition on one argument: [index, operator, value, mask for MASKED_EQ]. */
export type ArgTest = readonly [index: number, op: "LT" | "EQ" | "MASKED_EQ", value: number, masked?: number];

export interface ArgRule {
  syscall: string;
  /** One of them must hold. */
  any: readonly ArgTest[];
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/**
 * socketcall is not among them: it takes a socket's family behind a pointer, so a filter cannot see it, and any
 * 64-bit program can reach it through the 32-bit entry. It fails with ENOSYS and callers fall back to socket.
 */
export const ALWAYS_ALLOWED = words(`
  _llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown
  chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
  clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd
  eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark
  fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock
  fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex
  futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu
  getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer
  getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 getresuid getresuid32
  getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat
  inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents
  io_pgetevents_time64 io_setup io_submit ioctl ioprio_get ioprio_set ipc kill landlock_add_rule
  landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount
  listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack
  membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2
  mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
  mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
  name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2
  pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64
  process_mrelease pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
  recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr removexattrat rename renameat
  renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
  rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max
  sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
  sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
  seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg
  sendto set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
  setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
  setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat shmctl
  shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn socketpair splice stat stat64
  statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time
  timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
  timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate
  truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes vfork
  vmsplice wait4 waitid waitpid write writev
`);

/** Safe since Linux 4.8, where a tracer can no longer escape a filter. */
export const TRACING = words("process_vm_readv process_vm_writev ptrace");

/** clone with any of the CLONE_NEW* namespace flags (0x7E020000) needs CAP_SYS_ADMIN. */
export const CLONE_NAMESPACES = 0x7e020000;

/** ADDR_NO_RANDOMIZE and the like are out; the native, Linux-32 and UNAME26 personalities and a mere query are in. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** The highest socket family that Linux has (AF_MCTP). */
const LAST_FAMILY = 45;

/**
 * All socket families but AF_ALG (38) and AF_VSOCK (40). Each family above 38 is named with its exact value: the
 * filter compares 64 bits while the kernel reads 32, so an open-ended "greater than 40" would let
 * AF_ALG pass as 2^32 + 38.
 */
const FAMILIES: readonly ArgTest[] = [
  [0, "LT", 38],
  [0, "EQ", 39],
  ...Array.from({ length: LAST_FAMILY - 40 }, (_, i): ArgTest => [0, "EQ", 41 + i]),
];

export const BY_ARGUMENT: readonly ArgRule[] = [
  { syscall: "socket", any: FAMILIES },
  { syscall: "personality", any: PERSONALITIES.map((value): ArgTest => [0, "EQ", value]) },
];

/** By the host's architecture, in Go's names. */
export const BY_ARCHITECTURE: Readonly<Record<string, readonly string[]>> = {
  amd64: words("arch_prctl modify_ldt"),
  arm64: words("arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls"),
  arm: words("arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls"),
  ppc64le: words("sync_file_range2 swapcontext"),
  riscv64: words("riscv_flush_icache"),
  s390x: words("s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"),
};

export const BY_CAPABILITY: Readonly<Record<string, readonly string[]>> = {
  CAP_DAC_READ_SEARCH: words("open_by_handle_at"),
  CAP_SYS_ADMIN: words(`
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl
    quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare
  `),
  CAP_SYS_BOOT: words("reboot"),
  CAP_SYS_CHROOT: words("chroot"),
  CAP_SYS_MODULE: words("delete_module finit_module init_module"),
  CAP_SYS_PACCT: words("acct"),
  CAP_SYS_PTRACE: words("kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"),
  CAP_SYS_RAWIO: words("ioperm iopl"),
  CAP_SYS_TIME: words("clock_settime clock_settime64 settimeofday stime"),
  CAP_SYS_TTY_CONFIG: words("vhangup"),
  CAP_SYS_NICE: words("get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
  CAP_SYSLOG: words("syslog"),
  CAP_BPF: words("bpf"),
  CAP_PERFMON: words("perf_event_open"),
};

/** Kernel architectures in the filter: the native one first, then those whose programs it also runs. */
export const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  amd64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
  arm: ["SCMP_ARCH_ARM"],
  ppc64le: ["SCMP_ARCH_PPC64LE"],
  s390x: ["SCMP_ARCH_S390X", "SCMP_ARCH_S390"],
  riscv64: ["SCMP_ARCH_RISCV64"],
  loong64: ["SCMP_ARCH_LOONGARCH64"],
};
