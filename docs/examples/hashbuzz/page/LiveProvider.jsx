import { Centrifuge } from "centrifuge";
import { createContext, useContext, useEffect, useState } from "react";

const TOASTS = { CampaignRunning: "is running", RewardsDistributed: "has paid its rewards", InternalError: "has failed" };
const AGAIN_MS = 2000;
const LiveContext = createContext({ state: "connecting", proofs: {} });
export const useLive = () => useContext(LiveContext);

/** One connection with the session's cookie. `refetch` is told when a campaign changed; `proofs` has where that is on the ledger. */
export function LiveProvider({ url, campaigns, refresh, refetch, children }) {
  const [client] = useState(() => new Centrifuge(url));
  const [live, setLive] = useState({ state: "connecting", toasts: {}, proofs: {} });
  const back = () => refresh().then(() => client.connect()); // the cookie was too old
  useEffect(() => {
    client.on("state", ({ newState }) => setLive((before) => ({ ...before, state: newState })));
    client.on("disconnected", ({ code }) => code !== 0 && setTimeout(back, AGAIN_MS));
    client.connect();
    return () => client.disconnect();
  }, [client]);

  function onEvent({ event, data, meta }) {
    const { campaignId, newStatus } = data.payload;
    if (event !== "CAMPAIGN_STATUS_UPDATE") return;
    refetch();
    setLive(({ toasts, proofs, ...rest }) => ({
      ...rest,
      toasts: newStatus in TOASTS ? { ...toasts, [meta.id]: `Campaign ${campaignId} ${TOASTS[newStatus]}` } : toasts,
      proofs: meta.phase === "confirmed" ? { ...proofs, [campaignId]: `${meta.topicId} #${meta.sequence}` } : proofs,
    }));
  }

  return (
    <LiveContext.Provider value={live}>
      {campaigns.map(({ id }) => <Channel key={id} client={client} name={`campaign:${id}`} onEvent={onEvent} />)}
      {children}
      <div role="status">{Object.entries(live.toasts).map(([id, text]) => <p key={id}>{text}</p>)}</div>
    </LiveContext.Provider>
  );
}

function Channel({ client, name, onEvent }) {
  useEffect(() => {
    const subscription = client.newSubscription(name);
    subscription.on("publication", ({ data }) => onEvent(data));
    subscription.on("unsubscribed", ({ code }) => code === 103 && setTimeout(() => subscription.subscribe(), AGAIN_MS)); // the bridge hasn't met it yet
    subscription.subscribe();
    return () => client.removeSubscription(subscription);
  }, [client, name]);
  return null;
}
