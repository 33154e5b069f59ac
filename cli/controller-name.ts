/** The name of the controller in `weir up`, and in commands that compile a folder as `weir up` does. */
export const CONTROLLER_NAME = 'gateway.weir.dev/controller';
