// Stands in for @vscode/spdlog, VS Code's native log writer, in the code-server of the tests: that is installed without compiling
// anything, and VS Code drops what it logs when there is no writer. So log channels have content, and failed runs have logs.
const { appendFileSync, mkdirSync } = require("node:fs");
const { dirname } = require("node:path");

const LEVELS = ["trace", "debug", "info", "warning", "error", "critical", "off"];

class Logger {
  constructor(path) {
    mkdirSync(dirname(path), { recursive: true });
    this.path = path;
    this.level = 0;
    this.formatted = true;
  }

  getLevel() {
    return this.level;
  }

  setLevel(level) {
    this.level = level;
  }

  /** The one that VS Code sets is the one that is written. */
  setPattern() {}

  clearFormatters() {
    this.formatted = false;
  }

  flush() {}

  drop() {}

  write(level, message) {
    if (level < this.level) return;
    const time = new Date().toISOString().replace("T", " ").replace("Z", "");
    appendFileSync(this.path, this.formatted ? `${time} [${LEVELS[level]}] ${message}\n` : message);
  }
}
for (const [level, name] of ["trace", "debug", "info", "warn", "error", "critical"].entries()) {
  Logger.prototype[name] = function (message) {
    this.write(level, message);
  };
}

exports.version = 0;
exports.setLevel = () => undefined;
exports.setFlushOn = () => undefined;
exports.Logger = Logger;
exports.createRotatingLogger = async (_name, path) => new Logger(path);
exports.createAsyncRotatingLogger = exports.createRotatingLogger;
