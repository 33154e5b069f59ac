import { expect, test } from '@jest/globals';
import { componentLog, logLevelOf, setLogLevel } from './component-log.ts';
import { createLog } from './log.ts';

/** A log, and the messages of its lines. */
function rig() {
  const messages: string[] = [];
  const write = (line: string): void => {
    const { component = '-', msg } = JSON.parse(line) as { readonly component?: string; readonly msg: string };
    messages.push(`${component}: ${msg}`);
  };
  return { log: createLog('info', { write }), messages };
}

test('a component has its own level, until that of the process is set', () => {
  const { log, messages } = rig();
  const [health, workers] = [componentLog(log, 'health'), componentLog(log, 'workers')];
  expect(componentLog(log, 'health')).toBe(health);
  expect(setLogLevel(log, 'debug', 'health').ok).toBe(true);
  for (const each of [log, health, workers]) each.debug('one');
  expect(setLogLevel(log, 'error', '').ok).toBe(true);
  for (const each of [log, health, workers]) each.warn('two');
  expect(setLogLevel(log, 'warn', 'workers').ok).toBe(true);
  for (const each of [log, health, workers]) each.warn('three');
  expect(messages).toEqual(['health: one', 'workers: three']);
  expect([logLevelOf(log, ''), logLevelOf(log, 'workers'), logLevelOf(log, 'nothing')]).toEqual(['error', 'warn', null]);
});

test.each([
  ['loud', '', '"loud" is no log level; there are: trace, debug, info, warn, error, silent'],
  ['warn', 'heart', '"heart" is no component; there are: health'],
])('the level %s of %j is refused', (level, component, error) => {
  const { log } = rig();
  componentLog(log, 'health');
  expect(setLogLevel(log, level, component)).toEqual({ ok: false, error });
  expect(logLevelOf(log, 'health')).toBe('info');
});
