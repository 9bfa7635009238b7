/** Dictionary of format version 1 (docs/wire-format.md, section 6); a test compares it with the published one. */

export type Kind = "text" | "decimal" | "enum" | "number" | "bool" | "map";

export const EVENTS: Readonly<Record<string, number>> = {
  CAMPAIGN_STATUS_UPDATE: 1,
  CAMPAIGN_PUBLISHED_SUCCESS: 2,
  CAMPAIGN_PUBLISH_ERROR: 3,
  CAMPAIGN_CLOSED: 4,
  BALANCE_UPDATE: 5,
  CAMPAIGN_ENGAGEMENT_UPDATE: 6,
  REWARD_DISTRIBUTION_UPDATE: 7,
  SYSTEM_NOTIFICATION: 8,
};

/** Name: code, kind. */
export const FIELDS: Readonly<Record<string, readonly [number, Kind]>> = {
  campaignId: [1, "decimal"],
  newStatus: [2, "enum"],
  oldStatus: [3, "enum"],
  balanceType: [4, "enum"],
  newBalance: [5, "decimal"],
  oldBalance: [6, "decimal"],
  changeAmount: [7, "decimal"],
  changeReason: [8, "enum"],
  relatedCampaignId: [9, "decimal"],
  distributionStatus: [10, "enum"],
  processedCount: [11, "number"],
  totalCount: [12, "number"],
  engagementMetrics: [13, "map"],
  totalLikes: [14, "number"],
  totalRetweets: [15, "number"],
  totalComments: [16, "number"],
  uniqueParticipants: [17, "number"],
  engagementRate: [18, "number"],
  message: [19, "text"],
  status: [20, "enum"],
  tweetId: [21, "decimal"],
  budgetAmount: [22, "decimal"],
  userRewardAmount: [23, "decimal"],
  campaignTitle: [24, "text"],
  firstTweetUrl: [25, "text"],
  secondTweetUrl: [26, "text"],
  estimatedCloseTime: [27, "text"],
  targetEngagement: [28, "number"],
  statusChangeReason: [29, "text"],
  estimatedTimeToNext: [30, "number"],
  progressPercentage: [31, "number"],
  atStage: [32, "text"],
  closedAt: [33, "text"],
  tokenId: [34, "text"],
  tokenSymbol: [35, "text"],
  transactionId: [36, "text"],
  progressToTarget: [37, "number"],
  estimatedReward: [38, "decimal"],
  distributionProgress: [39, "number"],
  estimatedCompletionTime: [40, "text"],
  notificationType: [41, "enum"],
  title: [42, "text"],
  actionRequired: [43, "bool"],
  actionUrl: [44, "text"],
  autoHide: [45, "bool"],
  hideAfterMs: [46, "number"],
};

const STATUSES = [
  "ApprovalPending",
  "CampaignApproved",
  "CampaignDeclined",
  "CampaignRunning",
  "RewardDistributionInProgress",
  "RewardsDistributed",
  "InternalError",
  "CampaignStarted",
] as const;

/** Values of an enum field, coded by their place, from 1. */
export const VALUES: Readonly<Record<string, readonly string[]>> = {
  newStatus: STATUSES,
  oldStatus: STATUSES,
  status: STATUSES,
  balanceType: ["HBAR", "TOKEN"],
  changeReason: ["REWARD_RECEIVED", "CAMPAIGN_DEDUCTION", "TOPUP", "WITHDRAWAL", "OTHER"],
  distributionStatus: ["STARTED", "IN_PROGRESS", "COMPLETED", "FAILED"],
  notificationType: ["INFO", "WARNING", "ERROR", "SUCCESS"],
};
