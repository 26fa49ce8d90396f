#!/usr/bin/env node
'use strict';

// Keepsync needs Node 24. This starts it there, whichever Node of 18 or later runs this file: the right one comes with
// the package.
const { spawn } = require('node:child_process');
const { existsSync } = require('node:fs');
const { dirname, join } = require('node:path');

const NEEDED = 24;
const MAIN = join(__dirname, '..', 'dist', 'keepsync.cjs');

function packagedNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  try {
    const folder = dirname(require.resolve(`node-${platform}-${process.arch}/package.json`));
    const path = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(path) ? path : undefined;
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') {
      return undefined;
    }
    throw error;
  }
}

function giveUp(message) {
  process.stderr.write(`keepsync: ${message}\n`);
  process.exitCode = 1;
}

function startOn(node) {
  const child = spawn(node, [...process.execArgv, MAIN, ...process.argv.slice(2)], { stdio: 'inherit' });
  const signals =
    process.platform === 'win32' ? ['SIGINT', 'SIGBREAK'] : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'];
  const pass = (signal) => {
    // Ctrl-C in a terminal reaches the child by itself; twice would mean "at once".
    if (signal !== 'SIGINT' || !process.stdin.isTTY) {
      child.kill(signal);
    }
  };
  for (const signal of signals) {
    process.on(signal, pass);
  }
  child.on('error', (error) => giveUp(`cannot run ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    for (const name of signals) {
      process.off(name, pass);
    }
    if (signal === null) {
      process.exitCode = code;
    } else {
      process.kill(process.pid, signal);
    }
  });
}

const node = packagedNode();
if (!existsSync(MAIN)) {
  giveUp('it has not been built yet. Run "npm run build" first.');
} else if (Number.parseInt(process.versions.node, 10) >= NEEDED) {
  require(MAIN);
} else if (node !== undefined) {
  startOn(node);
} else {
  giveUp(
    `it needs Node ${NEEDED}, and this is Node ${process.versions.node}. There is no Node ${NEEDED} in the package for ` +
      `${process.platform} ${process.arch}, or it was left out when the package was installed (--omit=optional). ` +
      `Install Node ${NEEDED} and try again.`,
  );
}
