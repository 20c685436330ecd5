// Runs the recipe for Vercel's AI SDK with messages that are kept in a file.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { ModelMessage } from "ai";
import { run } from "./recipe.ts";

const file = new URL("messages.json", import.meta.url);
const start: ModelMessage[] = [{ role: "user", content: "publish it" }];
const messages: ModelMessage[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : start;

let text: string;
try {
  const all = await run("run 1", messages, (changed) => writeFileSync(file, JSON.stringify(changed)));
  text = JSON.stringify(all.filter((message) => message.role === "tool"));
} catch (error) {
  text = String(error);
}
console.log(JSON.stringify({ text }));
