// Messages of syslog (RFC 5424), in frames with their length (RFC 6587 section 3.4.1, RFC 5425 section 4.3).

/** RFC 5424 section 6.2.1. */
export const SEVERITY = Object.freeze({ error: 3, warning: 4, info: 6 });
/** local0. */
const FACILITY = 16;

/** The fields of all messages of a program. Fields have printable ASCII and bounded lengths; others become a dash. */
export interface SyslogOrigin {
  readonly host: string;
  readonly program: string;
  readonly process: string;
}

/** A function that makes the frame of a text. `id` is the kind of message. */
export function framesOf({ host, program, process }: SyslogOrigin): (severity: number, id: string, text: string) => Buffer {
  const origin = `${printable(host, 255)} ${printable(program, 48)} ${printable(process, 128)}`;
  return (severity, id, text) => {
    const head = `<${FACILITY * 8 + severity}>1 ${new Date().toISOString()} ${origin} ${printable(id, 32)} - `;
    const length = head.length + Buffer.byteLength(text);
    return Buffer.from(`${length} ${head}${text}`);
  };
}

function printable(text: string, most: number): string {
  return text.replaceAll(/[^!-~]/g, '').slice(0, most) || '-';
}
