/** What the npm package is used for; it spawns the program `systemd-notify`, which finds NOTIFY_SOCKET in the environment. */
declare module "systemd-notify" {
  interface Notification {
    readonly ready?: true;
    readonly status?: string;
  }
  /** Rejects with an `Error`, or with what the program said (perhaps nothing) where it failed. */
  function notify(notification: Notification): Promise<unknown>;
  export = notify;
}
