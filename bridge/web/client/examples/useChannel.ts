/** A React hook: the events of a channel, each once, in the order in which they were first seen. */

import { useEffect, useState } from "react";
import type { BridgeClient, BridgeEvent, ChannelName, SubscriptionState } from "hcs-bridge-client";

export function useChannel(client: BridgeClient, channel: ChannelName) {
  const [events, setEvents] = useState<ReadonlyMap<string, BridgeEvent>>(new Map());
  const [state, setState] = useState<SubscriptionState>("connecting");
  useEffect(() => {
    setEvents(new Map());
    const subscription = client.subscribe(channel, {
      since: "start",
      onEvent: (event) => setEvents((before) => new Map(before).set(event.id, event)),
      onState: setState,
    });
    return () => subscription.close();
  }, [client, channel]);
  return { events: [...events.values()], state };
}
