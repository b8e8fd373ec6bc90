// Runs in the page. A viewer of the preview who reads the frame number back from the pixels.
globalThis.watchPreview = (url, latency, transport) => {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const video = document.createElement("video");
  Object.assign(video, { autoplay: true, muted: true, playsInline: true });
  document.documentElement.append(video);
  const canvas = new OffscreenCanvas(24 * 8, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const viewer = {
    frames: [],
    offers: 0,
    messages: [],
    received: [],
    closed: null,
    socket,
    video,
    peer: null,
  };
  const now = () => performance.timeOrigin + performance.now();

  // A row of the bar code at the picture's top; 24 columns, the code's rows are two of 18.
  const readNumber = (picture, width, height) => {
    context.imageSmoothingEnabled = false;
    context.drawImage(picture, 0, Math.floor(height / 18), width, 1, 0, 0, canvas.width, 1);
    const { data } = context.getImageData(0, 0, canvas.width, 1);
    const light = (column) => data[(column * 8 + 4) * 4 + 1];
    const threshold = (light(0) + light(1)) / 2;
    if (light(0) - light(1) < 64) return null;
    let [number, parity] = [0, false];
    for (let column = 2; column < 22; column += 1) {
      const set = light(column) > threshold;
      number = number * 2 + (set ? 1 : 0);
      parity = parity !== set;
    }
    return light(22) > threshold === parity && light(23) > threshold !== parity ? number : null;
  };
  const note = (picture, width, height, rtp) =>
    viewer.frames.push({ number: readNumber(picture, width, height), atMs: now(), rtp, width, height });

  // The video element may already show a newer picture than the one that this is called for: the frame knows itself.
  const onVideo = () => {
    video.requestVideoFrameCallback(onVideo);
    try {
      const frame = new VideoFrame(video);
      const { rtpTimestamp } = frame.metadata();
      if (rtpTimestamp !== viewer.frames.at(-1)?.rtp)
        note(frame, frame.displayWidth, frame.displayHeight, rtpTimestamp ?? null);
      frame.close();
    } catch {
      // now and then there is none
    }
  };
  video.requestVideoFrameCallback(onVideo);

  const answer = async ({ id, sdp }) => {
    viewer.offers += 1;
    viewer.peer?.close();
    const peer = new RTCPeerConnection();
    viewer.peer = peer;
    peer.ontrack = ({ track }) => (video.srcObject = new MediaStream([track]));
    peer.onicecandidate = ({ candidate }) =>
      socket.send(JSON.stringify({ type: "candidate", id, candidate: candidate?.toJSON() ?? null }));
    await peer.setRemoteDescription({ type: "offer", sdp });
    await peer.setLocalDescription(await peer.createAnswer());
    socket.send(JSON.stringify({ type: "answer", id, sdp: peer.localDescription.sdp }));
  };

  let decoder;
  const configure = ({ codec }) => {
    decoder?.close();
    decoder = new VideoDecoder({
      output: (frame) => {
        note(frame, frame.displayWidth, frame.displayHeight, null);
        frame.close();
      },
      error: (error) => viewer.messages.push({ type: "error", text: String(error) }),
    });
    decoder.configure({ codec, optimizeForLatency: true });
  };
  const decode = (bytes) => {
    const view = new DataView(bytes);
    const key = (view.getUint8(1) & 1) === 1;
    viewer.received.push({ version: view.getUint8(0), key, rtp: view.getUint32(4), bytes: bytes.byteLength });
    const data = new Uint8Array(bytes, 16);
    decoder.decode(
      new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp: view.getFloat64(8), data }),
    );
  };

  socket.addEventListener("open", () => viewer.watch(latency, transport));
  socket.addEventListener("close", ({ code, reason }) => (viewer.closed = { code, reason }));
  socket.addEventListener("message", ({ data }) => {
    if (typeof data !== "string") return decode(data);
    const message = JSON.parse(data);
    viewer.messages.push(message);
    if (message.type === "offer") answer(message).catch((error) => viewer.messages.push(String(error)));
    if (message.type === "format") configure(message);
  });
  viewer.watch = (latency, transport) => socket.send(JSON.stringify({ type: "watch", latency, transport }));
  /** Resolves when so many pictures more have been seen. */
  viewer.untilSeen = async (count) => {
    const end = viewer.frames.length + count;
    while (viewer.frames.length < end) await new Promise((next) => setTimeout(next, 10));
  };
  viewer.stats = async () => {
    for (const one of (await viewer.peer.getStats()).values()) {
      if (one.type === "inbound-rtp") return one;
    }
    return null;
  };
  return viewer;
};
