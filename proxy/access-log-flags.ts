// The flags of the access log (destination, format, fields and filter) and of the security log.
import { closeSync, constants, openSync } from 'node:fs';
import { parseFilter } from '#api/access-log/filter.ts';
import { parseFormat } from '#api/access-log/format.ts';
import { Mistake } from '#lib/flags.ts';
import type { Flags, FlagValues } from '#lib/flags.ts';
import { parseSyslog } from '#lib/syslog/settings.ts';
import type { ServingConfig } from './config.ts';
import { REMEMBERED } from './telemetry/access-log/remembered.ts';

export const ACCESS_LOG_FLAGS: Flags = {
  'access-log': {
    default: 'stdout',
    value: 'off|stdout|FILE',
    text: 'destination of the access log, one line per request or connection',
    see: 'access-log.md',
  },
  'access-log-format': {
    default: 'json',
    value: 'FORMAT',
    text: 'json, common, combined, or a template like %{method} %{path} %{status}',
    see: 'access-log.md#formats',
  },
  'access-log-fields': {
    default: '',
    value: 'NAMES',
    text: 'fields of JSON lines: names replace the default fields, names with + or - add or remove fields, like +referer,-userAgent',
    see: 'access-log.md#fields',
  },
  'access-log-filter': {
    default: '',
    value: 'RULES',
    text: 'filter of lines, like "status=5xx or duration>=1s or sample=0.01"; all lines by default',
    see: 'access-log.md#filter',
  },
  'access-log-otlp': {
    default: 'off',
    value: 'on|off',
    text: 'lines also go to the collector of --otlp-endpoint, as log records',
    words: ['on', 'off'],
    see: 'access-log.md#syslog-and-opentelemetry',
  },
  'access-log-syslog': {
    default: '',
    value: 'URL',
    text: 'lines also go to this syslog server, tcp://HOST:PORT or tls://HOST:PORT',
    see: 'access-log.md#syslog-and-opentelemetry',
  },
  'access-log-syslog-ca-file': {
    default: '',
    value: 'FILE',
    text: "CA of the syslog server's certificate, PEM; the machine's CAs by default",
  },
  'recent-requests': {
    default: 'failed',
    value: 'off|failed|all',
    text: 'requests of the last hour whose lines each worker keeps in memory for weir tail --since and weir trace; all costs as much as the log',
    words: REMEMBERED,
    see: 'access-log.md#recent-requests',
  },
  'security-log': {
    default: 'stdout',
    value: 'off|stdout|FILE',
    text: 'destination of security events, one line of JSON each',
    see: 'security-events.md',
  },
};

type LogSettings = Pick<ServingConfig, 'accessLog' | 'accessLogSettings' | 'securityLog'>;

/** The settings of both logs. Throws a Mistake. */
export function readAccessLog(values: FlagValues): LogSettings {
  const [accessLog, securityLog] = [target(values, 'access-log'), target(values, 'security-log')];
  const fields = values.text('access-log-fields');
  const isJson = values.text('access-log-format') === 'json';
  // An error names the flag that has the mistake.
  const format = isJson
    ? values.parsed('access-log-fields', (text) => parseFormat('json', text))
    : values.parsed('access-log-format', (text) => parseFormat(text, fields));
  const caFile = values.text('access-log-syslog-ca-file');
  const syslog = values.parsed('access-log-syslog', (text) => parseSyslog(text, caFile));
  if (caFile !== '' && syslog?.tls !== true) throw new Mistake('--access-log-syslog-ca-file: needs --access-log-syslog tls://HOST:PORT');
  const [filter, otlp] = [values.parsed('access-log-filter', parseFilter), values.text('access-log-otlp') === 'on'];
  const recent = values.word('recent-requests', REMEMBERED);
  return { accessLog, securityLog, accessLogSettings: { format, filter, otlp, syslog, recent } };
}

/** Checks the file at the start: otherwise only the workers would report the error. */
function target(values: FlagValues, flag: string): string {
  const text = values.text(flag);
  if (text === 'off' || text === 'stdout') return text;
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
  try {
    // Non-blocking: the file may be a pipe without a reader.
    closeSync(openSync(text, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o640));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw new Mistake(`--${flag}: ${(error as Error).message}`);
  }
  return text;
}
