// Reads the answer of an endpoint that answers before it has read the whole request, and then closes: the write of the request fails while
// the answer is still in the socket. Node would discard it with the socket.
import type net from 'node:net';

/** The interval of checks whether everything has been read. */
const LOOK_MS = 5;
/** Checks without new data until the socket is empty. All bytes of the endpoint arrived before the reset that made the write fail. */
const QUIET_LOOKS = 2;

/** Keeps a socket with a failed write until all bytes of its peer are read; then destroys it with the failure. */
export function hearOut<S extends net.Socket>(socket: S): S {
  const destroy = socket.destroy.bind(socket);
  let hearing = false;
  socket.destroy = (error?: Error): S => {
    if (!isWriteFailure(error) || socket.destroyed || hearing) return destroy(error);
    hearing = true;
    readOut(socket, () => destroy(error));
    return socket;
  };
  return socket;
}

/** Calls back once no more bytes arrive, or the socket is closed. A slow reader keeps its socket paused. */
function readOut(socket: net.Socket, over: () => void): void {
  let [octets, quiet] = [socket.bytesRead, 0];
  const look = (): void => {
    if (socket.destroyed) return;
    quiet = socket.isPaused() || socket.bytesRead !== octets ? 0 : quiet + 1;
    octets = socket.bytesRead;
    if (quiet >= QUIET_LOOKS) over();
    // Several timers may expire in one turn of the event loop; an immediate runs after sockets were read.
    else setTimeout(() => setImmediate(look), LOOK_MS).unref();
  };
  look();
}

function isWriteFailure(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.syscall === 'write' && (error.code === 'EPIPE' || error.code === 'ECONNRESET');
}
