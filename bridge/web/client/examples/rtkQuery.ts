/** Invalidates RTK Query tags by event, so that what a page shows is loaded anew when the ledger says it changed. */

import type { ThunkDispatch, UnknownAction } from "@reduxjs/toolkit";
import { createApi, fetchBaseQuery } from "@reduxjs/toolkit/query";
import type { BridgeClient, BridgeEvent } from "hcs-bridge-client";

export const api = createApi({
  baseQuery: fetchBaseQuery({ baseUrl: "/api", credentials: "include" }),
  tagTypes: ["Campaign", "CurrentUser", "TokenBalance"],
  endpoints: (build) => ({
    campaign: build.query<{ id: string; status: string }, string>({
      query: (id) => `campaigns/${id}`,
      providesTags: (_result, _error, id) => [{ type: "Campaign", id }],
    }),
  }),
});

/** Call it once beside the session; the returned function ends it. */
export function invalidateByEvent(
  client: BridgeClient,
  dispatch: ThunkDispatch<unknown, unknown, UnknownAction>,
): () => void {
  const invalidate = (event: BridgeEvent) => dispatch(api.util.invalidateTags(tagsOf(event)));
  return client.subscribe("*", (event) => {
    if (event.state === "confirmed" && event.verdict !== "broken") invalidate(event);
  });
}

function tagsOf({ data, campaignId }: BridgeEvent) {
  if (data.type === "BALANCE") return ["CurrentUser" as const, "TokenBalance" as const];
  return campaignId === undefined ? [] : [{ type: "Campaign" as const, id: campaignId }];
}
