/** Ends the command with a status; `message`, where given, goes to stderr as it is. */
export class Exit extends Error {
  readonly status: number;

  constructor(status: number, message = "") {
    super(message);
    this.status = status;
  }
}
