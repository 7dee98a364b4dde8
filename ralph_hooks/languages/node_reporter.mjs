// Which tests fail and how, for node's own test runner: one JSON object a line, as languages/python_probe.py writes it.
import { appendFileSync, readFileSync, realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

const settings = JSON.parse(readFileSync(process.env.RALPH_HOOKS_PROBE, "utf8"));
const top = realpathSync(settings.top) + "/";
const record = (fields) => appendFileSync(settings.log, JSON.stringify(fields) + "\n");

function places(error) {
  const found = [];
  for (const line of String(error?.stack ?? "").split("\n")) {
    const match = /(?:\(|at )(file:\/\/\S+|\/\S+?):(\d+):\d+\)?$/.exec(line.trim());
    if (!match) continue;
    const path = match[1].startsWith("file:") ? fileURLToPath(match[1]) : match[1];
    found.push([path, Number(match[2])]);
  }
  return found;
}

function describe(error) {
  for (const [path, line] of places(error)) {
    if (path === realpathSync(settings.test)) break;
    if (path.startsWith(top) && !path.includes("/node_modules/")) {
      const own = error?.code !== "ERR_ASSERTION";
      return { own, at: [path.slice(top.length), line] };
    }
  }
  return { own: false, at: ["", 0] };
}

export default async function* (source) {
  let code = 0;
  for await (const event of source) {
    if (event.type === "test:start") record({ event: "start", test: event.data.name });
    if (event.type === "test:pass" && !event.data.skip) record({ event: "passed", test: event.data.name });
    if (event.type === "test:fail") {
      code = 1;
      const outer = event.data.details.error;
      const error = outer?.cause ?? outer;
      if (outer?.failureType === "hookFailed") record({ event: "unloaded" });
      else {
        const kind = error?.name ?? error?.constructor?.name ?? typeof error;
        record({ event: "failed", test: event.data.name, kind, ...describe(error) });
      }
      yield `${event.data.name}: ${error?.stack ?? error}\n`;
    }
  }
  record({ event: "end", code });
}
