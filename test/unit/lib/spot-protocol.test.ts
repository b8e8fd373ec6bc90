import { describe, expect, it } from "vitest";
import {
  authService,
  awbMode,
  compositorService,
  directoryService,
  fullAuthority,
  lightingService,
  payloadRegistrationService,
  ptzService,
  robotIdService,
  streamQualityService,
  timestamp,
} from "../../../src/lib/spot-protocol.ts";

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");

describe("the robot's messages on the wire", () => {
  const { GetAuthToken } = authService;
  const { SetStreamParams } = streamQualityService;
  const { SetPtzPosition } = ptzService;
  const { SetScreen } = compositorService;
  const { SetLEDBrightness } = lightingService;
  const { GetPayloadAuthToken } = payloadRegistrationService;

  it.each([
    [
      "a login",
      "0a031201631204757365721a027077",
      GetAuthToken.requestSerialize({ header: { clientName: "c" }, username: "user", password: "pw" }),
    ],
    [
      "a granted token",
      "0a042202080110011a0154",
      GetAuthToken.responseSerialize({ header: { error: { code: 1 } }, status: 1, token: "T" }),
    ],
    [
      "stream parameters",
      "120e0a040880897a1a02083c22020801",
      SetStreamParams.requestSerialize({
        params: {
          targetbitrate: { value: 2_000_000 },
          idrinterval: { value: 60 },
          awb: { awb: awbMode.auto },
        },
      }),
    ],
    [
      "a parameter that is there and zero",
      "12020a00",
      SetStreamParams.requestSerialize({ params: { targetbitrate: {} } }),
    ],
    [
      "a camera position",
      "121d12060a046d6563681a050d0000f04122050d000020412a050d00000040",
      SetPtzPosition.requestSerialize({
        position: { ptz: { name: "mech" }, pan: { value: 30 }, tilt: { value: 10 }, zoom: { value: 2 } },
      }),
    ],
    ["a screen", "12096d6563685f66756c6c", SetScreen.requestSerialize({ name: "mech_full" })],
    [
      "brightnesses",
      "12070800150000003f12070801150000003f",
      SetLEDBrightness.requestSerialize({ brightnesses: { 0: 0.5, 1: 0.5 } }),
    ],
    [
      "payload credentials",
      "22060a0167120173",
      GetPayloadAuthToken.requestSerialize({ payloadCredentials: { guid: "g", secret: "s" } }),
    ],
  ])("writes %s as the robot's own software does", (_name, hex, written) => {
    expect(written.toString("hex")).toBe(hex);
  });

  it("reads a login with every field in place", () => {
    expect(GetAuthToken.requestDeserialize(bytes("0a031201631204757365721a027077"))).toEqual({
      header: { requestTimestamp: null, clientName: "c" },
      username: "user",
      password: "pw",
      token: "",
    });
  });

  it("tells a parameter that is zero from one that is absent", () => {
    const { params } = SetStreamParams.requestDeserialize(bytes("12020a00"));
    expect(params?.targetbitrate).toEqual({ value: 0 });
    expect(params?.idrinterval).toBeNull();
    expect(params?.autoExposure).toBeUndefined();
  });

  it("reads brightnesses by light", () => {
    expect(
      SetLEDBrightness.requestDeserialize(bytes("12070800150000003f12070801150000003f")).brightnesses,
    ).toEqual({
      0: 0.5,
      1: 0.5,
    });
  });

  it("carries a directory and a robot's identity there and back", () => {
    const entry = { name: "spot-cam-ptz", type: "t", authority: "ptz", userTokenRequired: true };
    const { ListServiceEntries } = directoryService;
    expect(
      ListServiceEntries.responseDeserialize(
        ListServiceEntries.responseSerialize({ serviceEntries: [entry] }),
      ).serviceEntries,
    ).toEqual([
      { ...entry, lastUpdate: null, permissionRequired: "", livenessTimeoutSecs: 0, hostPayloadGuid: "" },
    ]);
    const { GetRobotId } = robotIdService;
    expect(
      GetRobotId.responseDeserialize(GetRobotId.responseSerialize({ robotId: { serialNumber: "s" } }))
        .robotId,
    ).toMatchObject({ serialNumber: "s", softwareRelease: null });
  });

  it("throws on bytes that are not the message", () => {
    expect(() => GetAuthToken.requestDeserialize(bytes("0aff"))).toThrow();
  });

  it("has the paths of the documented services", () => {
    expect(GetAuthToken.path).toBe("/bosdyn.api.AuthService/GetAuthToken");
    expect(SetPtzPosition.path).toBe("/bosdyn.api.spot_cam.PtzService/SetPtzPosition");
    expect(SetLEDBrightness.path).toBe("/bosdyn.api.spot_cam.LightingService/SetLEDBrightness");
  });
});

it("completes a bare label to a full authority", () => {
  expect(fullAuthority("spot-cam-ptz")).toBe("spot-cam-ptz.spot.robot");
  expect(fullAuthority("api.spot.robot")).toBe("api.spot.robot");
});

it("splits a time of day into seconds and nanoseconds", () => {
  expect(timestamp(1_700_000_000_250)).toEqual({ seconds: 1_700_000_000, nanos: 250_000_000 });
});
