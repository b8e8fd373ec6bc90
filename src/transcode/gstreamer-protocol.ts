/** What the process that holds a pipeline is told. */
export type ToGstreamer =
  /** Once, and first: builds the pipeline and plays it. */
  | { readonly type: "play"; readonly pipeline: string }
  | {
      readonly type: "set";
      readonly element: string;
      readonly property: string;
      readonly value: string | number | boolean;
    }
  /** The next picture that the encoder takes becomes an IDR. `sink`: the pipeline's last element. */
  | { readonly type: "force-keyframe"; readonly sink: string };

/** What it says. */
export type FromGstreamer =
  /** The add-on is there and fits. */
  | { readonly type: "loaded" }
  /** The add-on is not there, or does not fit; the process ends. */
  | { readonly type: "missing"; readonly message: string }
  /** GStreamer cannot build the pipeline; the process ends. */
  | { readonly type: "unbuildable"; readonly message: string }
  /** An element failed; the process ends. */
  | { readonly type: "failed"; readonly element: string; readonly message: string }
  /** A property was not set. */
  | { readonly type: "refused"; readonly message: string };
