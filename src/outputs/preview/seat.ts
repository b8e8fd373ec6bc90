import { toFault } from "../../domain/fault.ts";
import type { PreviewSeat, PreviewViewer, ViewerCandidate, ViewerRequest } from "../../domain/preview.ts";
import { revealAddresses } from "../webrtc/candidates.ts";
import type { Peer, PeerHooks } from "../webrtc/peer.ts";
import type { Delivery, Stage } from "./delivery.ts";
import type { Picture } from "./picture.ts";
import { playoutDelay, playoutDelayExtension } from "./playout-delay.ts";
import { RtpDelivery } from "./rtp-delivery.ts";
import { SocketDelivery } from "./socket-delivery.ts";

type Watch = Extract<ViewerRequest, { type: "watch" }>;

/** So many offers one viewer may have: a page that fails turns to the other transport after two. */
const mostOffers = 50;

/** One viewer: what it wants, and what brings it the pictures. */
export class Seat implements PreviewSeat {
  readonly #viewer: PreviewViewer;
  readonly #stage: Stage;
  readonly #onLeave: () => void;
  #watch: Watch | undefined;
  #delivery: Delivery | undefined;
  #peer: Peer | undefined;
  #offer = 0;
  #droppedBefore = 0;
  #left = false;

  constructor(viewer: PreviewViewer, stage: Stage, onLeave: () => void) {
    this.#viewer = viewer;
    this.#stage = stage;
    this.#onLeave = onLeave;
  }

  get droppedPictures(): number {
    return this.#droppedBefore + (this.#delivery?.droppedPictures ?? 0);
  }

  get viewer(): PreviewViewer {
    return this.#viewer;
  }

  show(picture: Picture): void {
    this.#delivery?.show(picture);
  }

  receive(request: ViewerRequest): void {
    if (this.#left) return;
    switch (request.type) {
      case "watch":
        return this.#change(request);
      case "answer":
        if (request.id === this.#offer)
          this.#peer?.answer(revealAddresses(request.sdp, this.#viewer.peerAddress));
        return;
      case "candidate":
        if (request.id === this.#offer) this.#peer?.addCandidate(this.#reveal(request.candidate));
        return;
      case "failed":
        if (request.id === this.#offer && this.#watch?.transport === "webrtc") this.#negotiate();
        return;
    }
  }

  [Symbol.dispose](): void {
    if (this.#left) return;
    this.#left = true;
    this.#end();
    this.#onLeave();
  }

  #change(watch: Watch): void {
    const before = this.#watch;
    this.#watch = watch;
    if (before?.transport !== watch.transport) {
      if (watch.transport === "webrtc") return this.#negotiate();
      this.#end();
      this.#delivery = new SocketDelivery(this.#viewer, this.#stage);
    } else if (this.#delivery instanceof RtpDelivery) this.#delivery.latency = watch.latency;
  }

  #reveal(candidate: ViewerCandidate | null): ViewerCandidate | null {
    if (candidate === null) return null;
    return { ...candidate, candidate: revealAddresses(candidate.candidate, this.#viewer.peerAddress) };
  }

  #negotiate(): void {
    this.#end();
    if (this.#viewer.isProxied) {
      const text = "The page comes through a proxy, which WebRTC does not pass.";
      return this.#viewer.send({ type: "refused", code: "no-webrtc", text });
    }
    this.#offer += 1;
    if (this.#offer > mostOffers) return;
    const id = this.#offer;
    this.#connect(id).catch((error: unknown) => {
      if (!this.#isCurrent(id)) return;
      const text = `There is no WebRTC here: ${toFault(error).message}`;
      this.#viewer.send({ type: "refused", code: "no-webrtc", text });
    });
  }

  async #connect(id: number): Promise<void> {
    const { createPeer } = await import("../webrtc/peer.ts"); // werift: not for viewers without it
    if (!this.#isCurrent(id)) return;
    let delivery: RtpDelivery | undefined;
    const hooks: PeerHooks = {
      onConnected: (sending) => {
        if (!this.#isCurrent(id)) return;
        const latency = this.#watch?.latency ?? "smooth";
        delivery = new RtpDelivery(latency, { ...sending, stage: this.#stage, extension: playoutDelay });
        this.#delivery = delivery;
      },
      onNack: (sequences) => delivery?.repeat(sequences),
      onPictureLoss: () => delivery?.wantKeyframe(),
      onFailed: () => {
        if (this.#isCurrent(id)) this.#end(); // the page notices and asks for another
      },
    };
    const localAddresses = [this.#viewer.localAddress];
    const peer = await createPeer({ localAddresses, extensions: [playoutDelayExtension] }, hooks);
    if (!this.#isCurrent(id)) return peer[Symbol.dispose]();
    this.#peer = peer;
    this.#viewer.send({ type: "offer", id, sdp: peer.offer, iceServers: [] });
  }

  #isCurrent(id: number): boolean {
    return !this.#left && id === this.#offer && this.#watch?.transport === "webrtc";
  }

  /** Ends what brings the pictures now. */
  #end(): void {
    this.#droppedBefore += this.#delivery?.droppedPictures ?? 0;
    this.#delivery?.[Symbol.dispose]();
    this.#delivery = undefined;
    this.#peer?.[Symbol.dispose]();
    this.#peer = undefined;
  }
}
