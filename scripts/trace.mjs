// What processes do with the network and with files, as seen by the kernel: runs them under strace and reads its
// record.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

const CALLS = [
  ...["execve", "clone", "clone3", "fork", "vfork", "chdir", "io_uring_setup"],
  ...["socket", "connect", "bind"],
  ...["open", "openat", "openat2", "creat", "truncate", "mknod", "mknodat"],
  ...["mkdir", "mkdirat", "rmdir", "unlink", "unlinkat"],
  ...["rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"],
];

/**
 * The command that runs another under strace, one file PREFIX.ID a thread.
 * @param isolated in a separate network namespace, where not even the loopback interface is up
 */
export function tracing(prefix, isolated) {
  // A "?" lets strace start where the machine has no such call.
  const filter = `trace=${CALLS.map((call) => `?${call}`).join(",")}`;
  const strace = [
    "strace",
    "-ff",
    "--seccomp-bpf",
    "-qqq",
    "-y",
    "-s",
    "500",
    "-e",
    filter,
    "-e",
    "signal=none",
    "-o",
    prefix,
  ];
  return isolated ? [...NAMESPACE, ...strace] : strace;
}

const NAMESPACE = ["unshare", process.getuid?.() === 0 ? "-n" : "-rn"];

/** Why processes cannot be traced here, or undefined. @param isolated whether that takes a network namespace too */
export function untraceable(isolated) {
  if (process.platform !== "linux") return "strace is Linux's";
  const [command, ...args] = tracing("/dev/null", isolated).map((arg) => (arg === "-ff" ? "-f" : arg));
  const { status, error, stderr } = spawnSync(command, [...args, "true"], { encoding: "utf8" });
  if (status === 0) return undefined;
  const why = error?.message ?? stderr.trim().split("\n", 1)[0];
  return `strace${isolated ? " in a network namespace" : ""} does not work here: ${why}`;
}

/**
 * Reads what strace wrote.
 * @returns each thread by its id: its `parent`'s id, the `program` that it runs (its arguments), its `calls` ({ name,
 *   args, result })
 */
export function readTrace(prefix) {
  const threads = new Map();
  const at = (id) => {
    if (!threads.has(id)) threads.set(id, { id, parent: undefined, program: undefined, calls: [] });
    return threads.get(id);
  };
  for (const name of readdirSync(dirname(prefix)).filter((one) => one.startsWith(`${basename(prefix)}.`))) {
    const thread = at(Number(name.slice(basename(prefix).length + 1)));
    for (const line of readFileSync(join(dirname(prefix), name), "latin1").split("\n")) {
      const [, call, args, result] = /^(\w+)\((.*)\)\s+= (.*)$/.exec(line) ?? [];
      if (call === undefined) continue;
      thread.calls.push({ name: call, args, result });
      if (call === "execve" && result === "0") thread.program = strings(args).slice(1);
      if (/^(clone3?|v?fork)$/.test(call) && /^\d+/.test(result)) at(Number.parseInt(result, 10)).parent = thread.id;
    }
  }
  return threads;
}

/** The program that a thread runs: its own, or that of the thread that created it. */
export function programOf(threads, { program, parent }) {
  if (program !== undefined || parent === undefined) return program ?? [];
  return programOf(threads, threads.get(parent));
}

/** The threads whose program, or that of what started them, is one that is looked for. */
export function startedBy(threads, isWanted) {
  const wanted = (thread) =>
    (thread.program !== undefined && isWanted(thread.program)) ||
    (thread.parent !== undefined && wanted(threads.get(thread.parent)));
  return [...threads.values()].filter(wanted);
}

/**
 * Forbidden acts of a thread: a socket of a family other than AF_UNIX, a look-up of a name, a file written
 * elsewhere.
 * @param folders where files may be written and removed; links resolved
 * @param cwd where the processes were started
 */
export function complaints({ calls }, { folders, cwd }) {
  let here = cwd;
  const found = [];
  for (const { name, args, result } of calls) {
    if (name === "chdir" && result === "0") here = resolve(here, strings(args)[0]);
    const what = networkComplaint(name, args, result) ?? fileComplaint(name, args, result, folders, here);
    if (what !== undefined) found.push(what);
  }
  return [...new Set(found)];
}

function networkComplaint(name, args, result) {
  if (name === "io_uring_setup") {
    const isHidden = !result.startsWith("-1") && !EVENT_RING.test(args);
    return isHidden ? "uses io_uring, which hides what is done from strace" : undefined;
  }
  if (name === "socket") {
    const family = args.split(",", 1)[0];
    return /^AF_(UNIX|LOCAL)$/.test(family) ? undefined : `opens a socket: ${args}`;
  }
  if (name === "connect" || name === "bind") {
    const socket = /sun_path=@?"([^"\\]*)(\\0)*"/.exec(args)?.[1];
    return socket !== undefined && LOCK.test(socket) ? undefined : `${name}s a socket to ${socket ?? args}`;
  }
  const looked = /^open/.test(name) ? strings(args)[0] : undefined;
  return looked !== undefined && LOOK_UP.test(looked) ? `looks up a name: reads ${looked}` : undefined;
}

/**
 * Where libuv collects changes of what it waits for, and nothing else; files go by another ring, off by
 * UV_USE_IO_URING=0.
 */
const EVENT_RING = /^256, \{flags=(0|0x10000|IORING_SETUP_NO_SQARRAY)\b/;
/** The names that say a folder is being worked in, one of them a file in it. @see server/files/lock.ts */
const LOCK = /^(spanfill-[0-9a-f]{24}|\/proc\/self\/fd\/\d+\/\.spanfill-lock)$/;
const LOOK_UP = /^\/etc\/(resolv\.conf|hosts|host\.conf|gai\.conf|hostname)$|^\/run\/systemd\/resolve\//;
const WRITING = /\bO_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b/;
/** Targets of writes that are not files: terminals, the void, pipes, a process's own settings. */
const NO_FILE = /^(\/dev\/(null|zero|tty|ptmx|pts\/\d+)|\/proc\/(self|\d+)\/.*|(pipe|socket|anon_inode|memfd):.*)$/;

function fileComplaint(name, args, result, folders, here) {
  if (result.startsWith("-1") || result === "?") return undefined;
  // The way to an allowed folder is made with it.
  const isAllowed = (path) =>
    isWithin(path, folders) || (name.startsWith("mkdir") && folders.some((to) => isWithin(to, [path])));
  const outside = paths(name, args, result, here).find((path) => !NO_FILE.test(path) && !isAllowed(path));
  return outside === undefined ? undefined : `${name} of ${outside}`;
}

/** The files that a call that succeeded wrote, made or removed. */
function paths(name, args, result, here) {
  if (/^(open|openat|openat2|creat)$/.test(name)) {
    if (name !== "creat" && !WRITING.test(args.replace(/"(\\.|[^"\\])*"/g, ""))) return [];
    // The kernel's own name of it: links are resolved.
    return [unescaped(/^\d+<(.*?)>(\(deleted\))?$/.exec(result)?.[1] ?? strings(args)[0])];
  }
  if (!/^(truncate|mk|rm|unlink|rename|link|symlink)/.test(name)) return [];
  const written = [...args.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:\\.|[^"\\])*)"/g)].map(([, at, path]) =>
    real(resolve(at === undefined ? here : unescaped(at), unescaped(path))),
  );
  // A link's first name is only read.
  return /^(sym)?link/.test(name) ? written.slice(1) : written;
}

/** A path with the links of its folder resolved, as far as that is still there. */
function real(path) {
  const folder = dirname(path);
  if (folder === path) return path;
  try {
    return join(realpathSync(folder), basename(path));
  } catch {
    return join(real(folder), basename(path));
  }
}

function isWithin(path, folders) {
  // A file is written beside its place, and then renamed.
  const final = path.replace(/\/\.([^/]+)\.[0-9a-f-]{36}\.tmp(?=\/|$)/g, "/$1");
  return folders.some((folder) => final === folder || final.startsWith(`${folder}/`));
}

/** The strings among a call's arguments. */
function strings(args) {
  return [...args.matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, text]) => unescaped(text));
}

function unescaped(text) {
  const bytes = text.replace(/\\([0-7]{1,3}|x[0-9a-f]{2}|.)/g, (_, code) => {
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    return { n: "\n", t: "\t", r: "\r", v: "\v", f: "\f" }[code] ?? code;
  });
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** An environment in which ONNX Runtime would report, did the product not switch that off. */
export function unsilenced(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !SILENT.test(name)));
}

/** Variables under which ONNX Runtime is silent by itself. @see telemetry_environment.h of ONNX Runtime */
const SILENT =
  /^(CI|TF_BUILD|GITHUB_ACTIONS|GITLAB_CI|CIRCLECI|TRAVIS|JENKINS_URL|CODEBUILD_BUILD_ID|BUILDKITE|TEAMCITY_VERSION|APPVEYOR|BITBUCKET_BUILD_NUMBER|SYSTEM_TEAMFOUNDATIONCOLLECTIONURI|ORT_\w+)$/i;
