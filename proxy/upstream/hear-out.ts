// An endpoint may answer before it has read the whole request, and close: what is still being sent then fails, while the answer waits
// in the socket. Node would throw it away with the socket; here it is read first.
import type net from 'node:net';

/** How often is looked whether everything has been read. */
const LOOK_MS = 5;
/** Looks in a row that find nothing new. Whatever the endpoint sent came before the reset that made the write fail. */
const QUIET_LOOKS = 2;

/** Keeps a socket whose writing has failed until everything that its peer sent is read; only then it is destroyed for the failure. */
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

/** Calls back once nothing more comes, or the socket is gone. A reader that is behind holds its socket paused. */
function readOut(socket: net.Socket, over: () => void): void {
  let [octets, quiet] = [socket.bytesRead, 0];
  const look = (): void => {
    if (socket.destroyed) return;
    quiet = socket.isPaused() || socket.bytesRead !== octets ? 0 : quiet + 1;
    octets = socket.bytesRead;
    if (quiet >= QUIET_LOOKS) over();
    // Several timers may be due in one turn of the event loop; an immediate comes after sockets were read in any case.
    else setTimeout(() => setImmediate(look), LOOK_MS).unref();
  };
  look();
}

function isWriteFailure(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.syscall === 'write' && (error.code === 'EPIPE' || error.code === 'ECONNRESET');
}
