/** How the time of a computation grows with its input: what a test can hold on any machine, where seconds differ. */

/**
 * How many times as long `run` takes on four times as much, in this process's own CPU time: 4 for what is linear, 16
 * for what is quadratic. Each time is the least of three, and at least a millisecond.
 */
export function growth(run: (size: number) => void, size: number): number {
  return leastMs(() => run(4 * size)) / leastMs(() => run(size));
}

/** {@link growth} of a computation that waits. */
export async function growthOf(run: (size: number) => Promise<void>, size: number): Promise<number> {
  const times: number[] = [];
  for (const most of [size, 4 * size]) {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 3; i++) {
      const before = process.cpuUsage();
      await run(most);
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, (user + system) / 1000);
    }
    times.push(Math.max(1, least));
  }
  return (times[1] ?? 1) / (times[0] ?? 1);
}

function leastMs(run: () => void): number {
  const times = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.max(1, Math.min(...times));
}
