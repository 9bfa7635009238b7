-- HashBuzz's tables, as far as the bridge's preset and their secrets are concerned; names as in its Prisma schema.
CREATE TYPE campaignstatus AS ENUM ('ApprovalPending', 'CampaignApproved', 'CampaignDeclined', 'CampaignStarted',
  'CampaignRunning', 'RewardDistributionInProgress', 'RewardsDistributed', 'InternalError');
CREATE TYPE campaign_type AS ENUM ('awareness', 'quest');
CREATE TYPE user_roles AS ENUM ('USER', 'ADMIN', 'SUPER_ADMIN', 'GUEST_USER');

CREATE TABLE user_user (
  id bigserial PRIMARY KEY,
  password varchar(128),
  salt varchar(128),
  hash varchar(128),
  available_budget double precision NOT NULL DEFAULT 0,
  total_rewarded double precision NOT NULL DEFAULT 0,
  role user_roles NOT NULL DEFAULT 'USER',
  hedera_wallet_id varchar(300),
  "accountAddress" varchar(300),
  business_twitter_access_token varchar(300),
  business_twitter_access_token_secret varchar(300),
  personal_twitter_access_token varchar(300)
);

CREATE TABLE campaign_twittercard (
  id bigserial PRIMARY KEY,
  owner_id bigint REFERENCES user_user (id),
  name varchar(50) NOT NULL,
  card_status campaignstatus NOT NULL DEFAULT 'ApprovalPending',
  tweet_id varchar(50),
  last_thread_tweet_id varchar,
  campaign_type campaign_type NOT NULL DEFAULT 'awareness',
  type varchar DEFAULT 'HBAR',
  campaign_budget double precision,
  amount_spent double precision,
  amount_claimed double precision,
  fungible_token_id varchar(20),
  decimals numeric,
  approve boolean NOT NULL DEFAULT false,
  "isRejected" boolean DEFAULT false,
  contract_id char(20),
  campaign_start_time timestamptz,
  campaign_close_time timestamptz,
  campaign_expiry timestamptz
);

CREATE TABLE "CampaignLog" (
  id bigserial PRIMARY KEY,
  campaign_id bigint NOT NULL REFERENCES campaign_twittercard (id),
  "timestamp" timestamp(6) NOT NULL DEFAULT now(),
  status varchar(50) NOT NULL,
  message varchar(300) NOT NULL,
  data json
);

CREATE TABLE user_balances (
  id bigserial PRIMARY KEY,
  user_id bigint NOT NULL REFERENCES user_user (id),
  token_id bigint NOT NULL,
  entity_decimal integer,
  entity_balance double precision NOT NULL DEFAULT 0,
  updated_at timestamptz,
  UNIQUE (user_id, token_id)
);
