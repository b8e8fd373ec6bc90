import { Fault } from "../../domain/fault.ts";
import type { Source, Unit } from "../../domain/media.ts";
import type { Report, SourceCounters } from "../../domain/status.ts";
import { directoryNames, fixedAuthorities } from "../../lib/spot-protocol.ts";
import { watchForStall } from "../../lib/stall.ts";
import type { LossPolicy } from "../../media/depacketizer.ts";
import { parseOfferedMedia } from "../../media/sdp.ts";
import { SrtpReceiver } from "../../media/srtp.ts";
import { Timeline } from "../../media/timeline.ts";
import { addCounters, noCounters } from "./counters.ts";
import { findAuthority } from "./directory.ts";
import { awaitLocalAddress, lookAtInterface } from "./local-address.ts";
import { MediaReceiver } from "./media-receiver.ts";
import { RobotClient } from "./rpc.ts";
import { fetchOffer, postAnswer } from "./signalling.ts";
import type { TokenKeeper } from "./token.ts";
import { resolveTrust } from "./trust.ts";
import type { TlsAddress, TlsTrust } from "./trust.ts";
import { answerCamera } from "./webrtc.ts";
import type { CameraSession } from "./webrtc.ts";
import { wantedReceiveBufferBytes } from "./webrtc-hook.ts";
import { untilAborted } from "../../lib/signals.ts";

export interface SpotOptions {
  /** The robot: gRPC, usually port 443. */
  readonly robot: TlsAddress & { readonly trust: TlsTrust };
  /** The Spot CAM: signalling over HTTPS, usually port 31102. */
  readonly camera: TlsAddress & { readonly trust: TlsTrust };
  /** The interface that leads to both; undefined: whichever the routes say. */
  readonly interface?: string | undefined;
  /** Holds the login over all sessions and shares it with the camera's control. */
  readonly tokens: TokenKeeper;
  readonly onLoss: LossPolicy;
  readonly audio: boolean;
  /** Milliseconds without a picture after which the connection is given up. */
  readonly stallMs: number;
  readonly report: Report;
}

const directoryWaitMs = 10_000;
const progressMs = 1000;

/** The camera of a Boston Dynamics Spot: token, directory, signalling, WebRTC, units. */
export function createSpotSource(options: SpotOptions): Required<Source> {
  const name = "spot";
  const { tokens } = options;
  const timeline = new Timeline();
  let counted: SourceCounters = noCounters;
  let receiver: MediaReceiver | undefined;
  let clash: string | undefined;

  async function run(emit: (unit: Unit) => void, signal: AbortSignal): Promise<void> {
    try {
      await connectAndReceive(emit, signal);
    } catch (error) {
      if (error instanceof Fault && error.code === "token-expired") tokens.forget();
      if (!signal.aborted) throw error;
    }
  }

  async function connectAndReceive(emit: (unit: Unit) => void, signal: AbortSignal): Promise<void> {
    tellClash(await lookAtInterface([options.robot.host, options.camera.host], options.interface));
    const robotTrust = await resolveTrust(
      options.robot.trust,
      { ...options.robot, serverName: fixedAuthorities.auth },
      signal,
    );
    using client = new RobotClient(options.robot, robotTrust);
    const token = await tokens.get(client, signal);
    // The camera boots longer than the robot: its services come into the directory when it is ready.
    await findAuthority(client, directoryNames.streamQuality, token, directoryWaitMs, signal);
    const camera = {
      ...options.camera,
      trust: await resolveTrust(options.camera.trust, options.camera, signal),
    };
    const offer = await fetchOffer(camera, token, signal);

    let session: CameraSession | undefined = undefined;
    let onPicture = (): void => {};
    using media = new MediaReceiver({
      offer: parseOfferedMedia(offer.sdp),
      onLoss: options.onLoss,
      timeline,
      emit: (unit) => {
        if (unit.kind === "video") onPicture();
        emit(unit);
      },
      feedback: {
        requestKeyframe: (ssrc) => session?.sendKeyframeRequest(ssrc),
        requestPackets: (ssrc, sequences) => session?.sendNack(ssrc, sequences),
        report: (ssrc, statistics) => {
          const report = statistics.report();
          if (report !== undefined) session?.sendReport(ssrc, report);
        },
      },
    });
    const before = counted;
    let isSilent = true;
    const tellProgress = (): void => {
      counted = addCounters(before, media.counters);
      isSilent = media.counters.packets === 0;
      options.report({ type: "source-progress", name, counters: counted });
    };
    await using opened = await answerCamera({
      offer: offer.sdp,
      cameraHost: options.camera.host,
      interface: options.interface,
      audio: options.audio,
      onDatagram: (datagram) => {
        media.push(datagram);
        // At once: when the robot begins to send is what people wait for.
        if (isSilent && media.counters.packets > 0) tellProgress();
      },
      onSenderReport: (ssrc, ntpUs, rtpTimestamp) => media.noteSenderReport(ssrc, ntpUs, rtpTimestamp),
    });
    session = opened;
    warnOfSmallBuffer(opened.receiveBufferBytes);
    await postAnswer(camera, token, { id: offer.id, sdp: opened.answer }, signal);
    const keys = await opened.waitForKeys(signal);
    const stalled = Promise.withResolvers<never>();
    using stall = watchForStall(options.stallMs, () =>
      stalled.reject(explainStall(media.counters, options.stallMs)),
    );
    onPicture = stall.beat;
    receiver = media;
    media.start(new SrtpReceiver(keys.profile, keys.session));

    const progress = setInterval(tellProgress, progressMs);
    try {
      await Promise.race([opened.lost, stalled.promise, untilAborted(signal)]);
    } finally {
      clearInterval(progress);
      tellProgress();
      receiver = undefined;
    }
  }

  function tellClash(text: string | undefined): void {
    if (text !== undefined && text !== clash)
      options.report({ type: "notice", part: name, severity: "warning", text });
    clash = text;
  }

  function warnOfSmallBuffer(bytes: number): void {
    if (bytes >= wantedReceiveBufferBytes) return;
    options.report({
      type: "notice",
      part: name,
      severity: "warning",
      text: `The kernel gives UDP sockets only ${bytes} bytes of receive buffer; a keyframe may overflow it. Run: sysctl -w net.core.rmem_max=${wantedReceiveBufferBytes}`,
    });
  }

  return {
    ...{ name, run, requestKeyframe: () => receiver?.requestKeyframe() },
    awaitLink: (signal) => awaitLocalAddress(options.robot.host, options.interface, signal),
  };
}

function explainStall(counters: SourceCounters, stallMs: number): Fault {
  const seconds = Math.round(stallMs / 1000);
  if (counters.packets === 0) {
    return new Fault("source-stalled", `The camera is connected but has sent nothing for ${seconds} s.`);
  }
  return new Fault("source-stalled", `The camera has sent no picture for ${seconds} s that can be shown.`);
}
