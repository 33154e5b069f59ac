// The modules around a plugin in its isolate: those of guest/, without their types.
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';

const FOLDER = new URL('./guest/', import.meta.url);
const PREFIX = 'weir:guest/';
const SOURCES: ReadonlyMap<string, string> = new Map(
  readdirSync(FOLDER).map((name) => [`${PREFIX}${name}`, stripTypeScriptTypes(readFileSync(new URL(name, FOLDER), 'utf8'))]),
);
const SDK = 'export const definePlugin = (plugin) => plugin;';

/** The source of a module; null: there is none of this name. */
export function guestModule(name: string): string | null {
  return name === '@weir/sdk' ? SDK : (SOURCES.get(name) ?? null);
}
