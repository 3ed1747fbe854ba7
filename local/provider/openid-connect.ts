/** IAM's identity providers for OpenID Connect: whose tokens roles may be taken by. */
import {
  AddClientIDToOpenIDConnectProviderCommand,
  CreateOpenIDConnectProviderCommand,
  DeleteOpenIDConnectProviderCommand,
  GetOpenIDConnectProviderCommand,
  RemoveClientIDFromOpenIDConnectProviderCommand,
  TagOpenIDConnectProviderCommand,
  UntagOpenIDConnectProviderCommand,
  UpdateOpenIDConnectProviderThumbprintCommand,
} from "@aws-sdk/client-iam";
import type { OpenIdConnectProviderArgs } from "@pulumi/aws/iam/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { ProviderError, unlessMissing } from "./errors.ts";
import { item, list, set, tagged, text } from "./properties.ts";
import type { FieldsOf } from "./properties.ts";
import { resource } from "./resource.ts";
import type { Managed } from "./resource.ts";
import { fromTagList, toTagList } from "./tags.ts";

type Properties<Args> = FieldsOf<pulumi.Unwrap<Args> & Managed>;

const gone = "NoSuchEntityException";

/** IAM answers an issuer without its scheme. */
const issuer = (url: string): string => url.replace(/^https:\/\//, "");

const fields = {
  url: text({ required: true, forceNew: true, same: (one: string, other: string) => issuer(one) === issuer(other) }),
  clientIdLists: set(item, { required: true }),
  /** AWS finds them itself where it trusts the issuer's authority. */
  thumbprintLists: list(item, { computed: true }),
  ...tagged,
} satisfies Properties<OpenIdConnectProviderArgs>;

export const openIdConnectProvider = resource<typeof fields>({
  token: "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
  fields,
  outputs: ["arn"],
  tagging: {
    async tag({ id }, tags, { aws }) {
      await aws.iam.send(new TagOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id, Tags: toTagList(tags) }));
    },
    async untag({ id }, TagKeys, { aws }) {
      await aws.iam.send(new UntagOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id, TagKeys }));
    },
  },
  async create(inputs, { aws }) {
    const { OpenIDConnectProviderArn: arn } = await aws.iam.send(
      new CreateOpenIDConnectProviderCommand({
        Url: inputs.url,
        ClientIDList: inputs.clientIdLists,
        ThumbprintList: inputs.thumbprintLists,
        Tags: toTagList(inputs.tagsAll),
      }),
    );
    if (arn === undefined) throw new ProviderError("CreateOpenIDConnectProvider answered no ARN");
    return arn;
  },
  async read(id, { aws }) {
    const get = new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: id });
    const found = await unlessMissing(aws.iam.send(get), gone);
    return (
      found && {
        arn: id,
        url: found.Url,
        clientIdLists: found.ClientIDList,
        thumbprintLists: found.ThumbprintList,
        tags: fromTagList(found.Tags),
      }
    );
  },
  async update({ id: OpenIDConnectProviderArn, inputs, before, changed }, { aws: { iam } }) {
    if (changed.has("thumbprintLists")) {
      const ThumbprintList = inputs.thumbprintLists ?? [];
      await iam.send(new UpdateOpenIDConnectProviderThumbprintCommand({ OpenIDConnectProviderArn, ThumbprintList }));
    }
    const olds = before.clientIdLists ?? [];
    for (const ClientID of inputs.clientIdLists.filter((each) => !olds.includes(each))) {
      await iam.send(new AddClientIDToOpenIDConnectProviderCommand({ OpenIDConnectProviderArn, ClientID }));
    }
    for (const ClientID of olds.filter((each) => !inputs.clientIdLists.includes(each))) {
      await iam.send(new RemoveClientIDFromOpenIDConnectProviderCommand({ OpenIDConnectProviderArn, ClientID }));
    }
  },
  async delete(OpenIDConnectProviderArn, { aws }) {
    await unlessMissing(aws.iam.send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn })), gone);
  },
});
