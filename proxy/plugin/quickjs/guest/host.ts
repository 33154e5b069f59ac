// The functions that the proxy gives the code around a plugin. They leave the global object before the plugin runs.

interface Host {
  weirSend?: (text: string, bytes?: ArrayBuffer) => void;
  weirEncode?: (text: string) => ArrayBuffer;
  weirDecode?: (bytes: ArrayBuffer) => string;
  weirConfig?: string;
}

const host = globalThis as unknown as Host;
const { weirSend, weirEncode, weirDecode, weirConfig = 'null' } = host as Required<Omit<Host, 'weirConfig'>> & Pick<Host, 'weirConfig'>;
for (const name of ['weirSend', 'weirEncode', 'weirDecode', 'weirConfig'] as const) delete host[name];

/** Sends a message to the proxy, with the bytes beside it. */
export const send = weirSend;
/** The bytes of a text in UTF-8. */
export const encode = weirEncode;
/** The text of bytes in UTF-8. */
export const decode = weirDecode;
/** JSON. */
export const configText = weirConfig;
