package acs

import (
	"errors"
	"strings"
)

// An Identifier names a participant. Exactly one of the variants is set, or
// none and RawID alone says who it is.
type Identifier struct {
	Kind              string              `json:"kind,omitempty"`
	RawID             string              `json:"rawId,omitempty"`
	CommunicationUser *User               `json:"communicationUser,omitempty"`
	PhoneNumber       *PhoneNumber        `json:"phoneNumber,omitempty"`
	TeamsUser         *TeamsUser          `json:"microsoftTeamsUser,omitempty"`
	TeamsApp          *TeamsApp           `json:"microsoftTeamsApp,omitempty"`
	TeamsExtension    *TeamsExtensionUser `json:"teamsExtensionUser,omitempty"`
}

// A User is a user of this server: "8:acs:…".
type User struct {
	ID string `json:"id"`
}

// A PhoneNumber is a telephone number in E.164, "+15550100".
type PhoneNumber struct {
	Value       string `json:"value"`
	IsAnonymous bool   `json:"isAnonymous,omitempty"`
	AssertedID  string `json:"assertedId,omitempty"`
}

// A TeamsUser is a user of Microsoft Teams.
type TeamsUser struct {
	UserID      string `json:"userId"`
	IsAnonymous bool   `json:"isAnonymous,omitempty"`
	Cloud       string `json:"cloud,omitempty"`
}

// A TeamsApp is a bot of Microsoft Teams.
type TeamsApp struct {
	AppID string `json:"appId"`
	Cloud string `json:"cloud,omitempty"`
}

// A TeamsExtensionUser is a Teams user on a resource of this kind.
type TeamsExtensionUser struct {
	UserID     string `json:"userId"`
	TenantID   string `json:"tenantId"`
	ResourceID string `json:"resourceId"`
	Cloud      string `json:"cloud,omitempty"`
}

// The kinds of identifiers.
const (
	KindUser           = "communicationUser"
	KindPhone          = "phoneNumber"
	KindTeamsUser      = "microsoftTeamsUser"
	KindTeamsApp       = "microsoftTeamsApp"
	KindTeamsExtension = "teamsExtensionUser"
	KindUnknown        = "unknown"
)

// Identify spells a raw id ("4:+15550100", "8:acs:alice") as an identifier.
// What is neither a number nor a user is of kind unknown.
func Identify(rawID string) Identifier {
	if number, ok := strings.CutPrefix(rawID, "4:"); ok && number != "" {
		return Identifier{Kind: KindPhone, RawID: rawID,
			PhoneNumber: &PhoneNumber{Value: number, IsAnonymous: number == "anonymous"}}
	}
	if name, ok := strings.CutPrefix(rawID, "8:acs:"); ok && name != "" {
		return Identifier{Kind: KindUser, RawID: rawID, CommunicationUser: &User{ID: rawID}}
	}
	return Identifier{Kind: KindUnknown, RawID: rawID}
}

// The errors of ID.
var (
	errNoVariant    = errors.New("it names nobody: communicationUser, phoneNumber or rawId is needed")
	errManyVariants = errors.New("it names more than one: only one of communicationUser, phoneNumber, … may be set")
	errEmptyVariant = errors.New("its id or value is empty")
)

// ID is the raw id, decided by the variant that is present: kind and rawId may
// be missing. The error says what is wrong with the identifier.
func (i Identifier) ID() (string, error) {
	var ids []string
	add := func(prefix, value string) {
		if value != "" {
			value = prefix + value
		}
		ids = append(ids, value)
	}
	if v := i.CommunicationUser; v != nil {
		add("", v.ID)
	}
	if v := i.PhoneNumber; v != nil {
		add("4:", v.Value)
	}
	if v := i.TeamsUser; v != nil {
		add(teamsPrefix(v), v.UserID)
	}
	if v := i.TeamsApp; v != nil {
		add("28:"+cloudName(v.Cloud)+":", v.AppID)
	}
	if v := i.TeamsExtension; v != nil {
		add("8:"+extensionName(v.Cloud)+":", strings.Trim(v.ResourceID+"_"+v.TenantID+"_"+v.UserID, "_"))
	}
	switch {
	case len(ids) > 1:
		return "", errManyVariants
	case len(ids) == 1 && ids[0] == "":
		return "", errEmptyVariant
	case len(ids) == 1:
		return ids[0], nil
	case i.RawID == "":
		return "", errNoVariant
	}
	return i.RawID, nil
}

func teamsPrefix(u *TeamsUser) string {
	if u.IsAnonymous {
		return "8:teamsvisitor:"
	}
	return "8:" + cloudName(u.Cloud) + ":"
}

func cloudName(cloud string) string {
	switch strings.ToLower(cloud) {
	case "dod", "gcch":
		return strings.ToLower(cloud)
	}
	return "orgid"
}

func extensionName(cloud string) string {
	switch strings.ToLower(cloud) {
	case "dod":
		return "dod-acs"
	case "gcch":
		return "gcch-acs"
	}
	return "acs"
}
