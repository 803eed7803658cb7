// Runs a Python script under Pyodide, as a page in a browser would: the system is
// there, and no socket, thread or file of this machine.
//
//   node run.mjs PYODIDE ROOT SCRIPT [ARGUMENT …]
//
// PYODIDE is an unpacked npm package, ROOT this repository.  What the script may import
// or read of it is copied; nothing is written back.
// The script runs as plain code.  The tasks that it leaves to Pyodide's loop, as cells of
// a notebook do, run to their end.  Output, exit code, arguments and PYTHON… variables
// are passed through; there is no input.

import { readFileSync, readdirSync, writeSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodide, root, script, ...args] = process.argv.slice(2);
const [HOME, COPIED] = ["/main", ["rmqlab", "compose"]];

// Some browsers, and Node before 24, cannot suspend WebAssembly.  Without this,
// asyncio.run() would work here and fail there.
delete WebAssembly.Suspending;

const { loadPyodide } = await import(pathToFileURL(join(resolve(pyodide), "pyodide.mjs")));
const given = Object.entries(process.env).filter(([name]) => name.startsWith("PYTHON"));
const python = await loadPyodide({ env: { HOME, ...Object.fromEntries(given) } });

// As bytes, at once, to the descriptor itself: nothing is lost if we exit.  Node has
// pipes not block, so a full one is tried again until whoever reads has read.
const pause = new Int32Array(new SharedArrayBuffer(4));
function write(fd, bytes) {
    for (let done = 0; done < bytes.length; ) {
        try {
            done += writeSync(fd, bytes, done);
        } catch (error) {
            if (error.code !== "EAGAIN") throw error;
            Atomics.wait(pause, 0, 0, 1);
        }
    }
    return bytes.length;
}
python.setStdout({ write: (bytes) => write(1, bytes), isatty: false });
python.setStderr({ write: (bytes) => write(2, bytes), isatty: false });
python.setStdin({ error: true });

function copy(source, target) {
    python.FS.mkdirTree(target);
    for (const entry of readdirSync(source, { withFileTypes: true })) {
        const [from, to] = [join(source, entry.name), `${target}/${entry.name}`];
        if (entry.isDirectory()) {
            if (entry.name !== "__pycache__") copy(from, to);
        } else python.FS.writeFile(to, readFileSync(from));
    }
}

for (const name of COPIED) copy(join(root, name), `${HOME}/${name}`);
const main = `${HOME}/${basename(script)}`;
python.FS.writeFile(main, readFileSync(script));
python.FS.chdir(HOME);

const run = python.runPython(`
import asyncio, runpy, sys, traceback

def run(argv):
    sys.argv, sys.path[:0] = argv.to_py(), ["${HOME}"]
    code = code_of(lambda: runpy.run_path(sys.argv[0], run_name="__main__"))
    return asyncio.ensure_future(finish(code))

def code_of(work):
    try:
        work()
        return 0
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    return 1

async def finish(code):
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        done, _ = await asyncio.wait(left)
        code = max(code, *(code_of(task.result) for task in done))
    sys.stdout.flush()
    sys.stderr.flush()
    return code

run
`);
process.exit(await run([main, ...args]));
