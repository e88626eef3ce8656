/** How the time of a computation grows with its input: what a test can hold on any machine, where seconds differ. */

/**
 * How many times as long `run` takes on four times as much, in this process's own CPU time: 4 for what is linear, 16
 * for what is quadratic. Each time is the least of three, and at least a millisecond.
 */
export function growth(run: (size: number) => void, size: number): number {
  return leastMs(() => run(4 * size)) / leastMs(() => run(size));
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
