/** Scheduled actions of Application Auto Scaling: the handlers of their calls. */

import type {
  ApplicationAutoScaling,
  PutScheduledActionRequest,
  ScheduledAction as WireAction,
} from "@aws-sdk/client-application-auto-scaling";
import type { Autoscaler } from "../../core/autoscaler.ts";
import { ScheduleError } from "../../core/schedule.ts";
import type { ScheduledAction, ScheduledActionSettings } from "../../core/scheduled-actions.ts";
import { validationException } from "../../wire/service.ts";
import type { Handlers } from "../../wire/service.ts";
import { notFound, paged } from "./answers.ts";
import { checkKind, scalableDimension, serviceNamespace } from "./resource.ts";

function date(moment: number | undefined): Date | undefined {
  return moment === undefined ? undefined : new Date(moment);
}

function wireAction(action: ScheduledAction): WireAction {
  return {
    ScheduledActionName: action.name,
    ScheduledActionARN: action.arn,
    ServiceNamespace: serviceNamespace,
    ResourceId: action.resourceId,
    ScalableDimension: scalableDimension,
    Schedule: action.schedule,
    Timezone: action.timezone,
    StartTime: date(action.start),
    EndTime: date(action.end),
    ScalableTargetAction: { MinCapacity: action.min, MaxCapacity: action.max },
    CreationTime: new Date(action.createdAt),
  };
}

/**
 * Returns the settings of a call. An update keeps what it does not set, except start and end (API reference,
 * PutScheduledAction).
 */
function settingsOf(input: PutScheduledActionRequest, existing: ScheduledAction | undefined): ScheduledActionSettings {
  const { ResourceId = "", ScheduledActionName = "", ScalableTargetAction: limits } = input;
  const { Schedule = existing?.schedule, Timezone = existing?.timezone, StartTime, EndTime } = input;
  const [min, max] = [limits?.MinCapacity ?? existing?.min, limits?.MaxCapacity ?? existing?.max];
  if (Schedule === undefined) throw validationException("Schedule is required for a new scheduled action");
  if (min === undefined && max === undefined) {
    throw validationException("At least one of MinCapacity and MaxCapacity is required for a new scheduled action");
  }
  if (min !== undefined && min < 0) throw validationException("Minimum capacity must be greater than or equal to 0");
  if (min !== undefined && max !== undefined && max < min) {
    throw validationException("Maximum capacity cannot be less than minimum capacity");
  }
  if (StartTime !== undefined && EndTime !== undefined && EndTime < StartTime) {
    throw validationException("EndTime cannot be before StartTime");
  }
  return {
    name: ScheduledActionName,
    resourceId: ResourceId,
    schedule: Schedule,
    timezone: Timezone,
    start: StartTime?.getTime(),
    end: EndTime?.getTime(),
    min,
    max,
  };
}

/** Returns the handlers of the calls about scheduled actions. */
export function scheduledActionHandlers(autoscaler: Autoscaler) {
  const { scheduledActions } = autoscaler;
  return {
    PutScheduledAction(input) {
      checkKind(input);
      const { ResourceId = "", ScheduledActionName = "" } = input;
      if (autoscaler.target(ResourceId) === undefined) throw notFound("No scalable target registered", input);
      const settings = settingsOf(input, scheduledActions.get(ResourceId, ScheduledActionName));
      try {
        scheduledActions.put(settings);
      } catch (error) {
        if (error instanceof ScheduleError) throw validationException(error.message);
        throw error;
      }
      return {};
    },

    DescribeScheduledActions(input) {
      checkKind(input);
      const { ScheduledActionNames = [], ResourceId, MaxResults, NextToken } = input;
      const found = scheduledActions
        .list()
        .filter(({ name }) => ScheduledActionNames.length === 0 || ScheduledActionNames.includes(name))
        .filter(({ resourceId }) => ResourceId === undefined || ResourceId === resourceId);
      const { items, nextToken } = paged(found, MaxResults, NextToken);
      return { ScheduledActions: items.map(wireAction), NextToken: nextToken };
    },

    DeleteScheduledAction(input) {
      checkKind(input);
      const { ResourceId = "", ScheduledActionName = "" } = input;
      if (scheduledActions.get(ResourceId, ScheduledActionName) === undefined) {
        throw notFound("No scheduled action found", input, `, scheduled action name: ${ScheduledActionName}`);
      }
      scheduledActions.delete(ResourceId, ScheduledActionName);
      return {};
    },
  } satisfies Handlers<ApplicationAutoScaling>;
}
