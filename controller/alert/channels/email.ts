// Mails by SMTP. https://nodemailer.com sends them: it has no dependencies and is the mail library of Node.js that is kept best.
import net from 'node:net';
import { createTransport, type Transporter } from 'nodemailer';
import type SMTPTransport from 'nodemailer/lib/smtp-transport/index.js';
import type { NotificationChannelSpec } from '#api/k8s/notification-channel.ts';
import { checkHost, guardedLookup, quoted, RefusedDestination } from '#lib/destination.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { textOf, titleOf, type Notification } from '../notification.ts';
import { CONNECT_MS, reasonOf, type Reach } from './post.ts';

export type EmailSettings = NonNullable<NotificationChannelSpec['email']>;

/** The bytes that a server may say for one mail. */
const MAX_SAID = 256 * 1_024;
/** How often that is checked, milliseconds. */
const CHECK_MS = 100;

/** What a mail needs besides its settings. */
export interface EmailAccess {
  readonly password: string;
  /** PEM of the authorities; '' for those of Node.js. */
  readonly ca: string;
}

/** Sends a mail. The server gets one connection, which ends with it. */
export async function sendEmail(
  settings: EmailSettings,
  access: EmailAccess,
  notification: Notification,
  reach: Reach,
): Promise<Result<null>> {
  let socket: net.Socket | null = null;
  const transport = transportOf(settings, access, (opened) => (socket = opened), reach);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const fail = (reason: string): void => reject(new Error(reason));
  const timer = setTimeout(() => fail('the server did not take the mail in time'), reach.timeoutMs);
  const meter = setInterval(() => {
    if ((socket?.bytesRead ?? 0) > MAX_SAID) fail(`the server said more than ${MAX_SAID} bytes`);
  }, CHECK_MS);
  const stopped = (): void => fail('the program stops');
  reach.signal.addEventListener('abort', stopped);
  try {
    await Promise.race([transport.sendMail(mailOf(settings, notification)), ended]);
    return ok(null);
  } catch (error) {
    return err(mailReason(error));
  } finally {
    clearTimeout(timer);
    clearInterval(meter);
    reach.signal.removeEventListener('abort', stopped);
    transport.close();
    (socket as net.Socket | null)?.destroy();
  }
}

function transportOf(
  { server, tls, username }: EmailSettings,
  { password, ca }: EmailAccess,
  opened: (socket: net.Socket) => void,
  { guard, timeoutMs }: Reach,
): Transporter<SMTPTransport.SentMessageInfo> {
  const colon = server.lastIndexOf(':');
  const host = server.slice(0, colon).replaceAll(/^\[|\]$/g, '');
  const port = Number(server.slice(colon + 1));
  return createTransport({
    ...{ host, port, secure: tls === 'TLS', requireTLS: tls === 'StartTLS', ignoreTLS: tls === 'None' },
    ...(username === undefined ? {} : { auth: { user: username, pass: password } }),
    ...{ connectionTimeout: CONNECT_MS, greetingTimeout: timeoutMs, socketTimeout: timeoutMs, dnsTimeout: CONNECT_MS },
    ...{ disableFileAccess: true, disableUrlAccess: true },
    tls: { servername: net.isIP(host) === 0 ? host : '', ...(ca === '' ? {} : { ca }) },
    // The address is checked when it is connected to.
    getSocket(_options, callback) {
      try {
        checkHost(host, guard);
      } catch (error) {
        return callback(error as Error);
      }
      const socket = net.connect({ host, port, lookup: guardedLookup(guard), timeout: CONNECT_MS });
      opened(socket);
      const failed = (error: Error): void => callback(error);
      socket.once('error', failed);
      socket.once('timeout', () => socket.destroy(new Error('the server cannot be connected to in time')));
      socket.once('connect', () => {
        socket.off('error', failed);
        socket.setTimeout(0);
        callback(null, { connection: socket });
      });
    },
  });
}

function mailOf({ from, to }: EmailSettings, notification: Notification): SMTPTransport.MailOptions {
  const host = from.slice(from.lastIndexOf('@') + 1);
  return {
    from,
    to: [...to],
    subject: titleOf(notification),
    text: textOf(notification),
    // A receiver may have got a mail whose answer was lost; programs of mail know it by its id.
    messageId: `<${notification.id}@${host}>`,
    headers: { 'Auto-Submitted': 'auto-generated' },
  };
}

/** Replies of the server are its own words. */
function mailReason(error: unknown): string {
  if (error instanceof RefusedDestination) return `the server ${error.message}`;
  const { response } = error as { readonly response?: unknown };
  return typeof response === 'string' && response !== '' ? `the server answered ${quoted(response)}` : reasonOf(error);
}
