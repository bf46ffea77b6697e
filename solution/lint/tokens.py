"""The words that files use: what may stand where (the published schemas 9.0.0.2090, and what newer exports add)."""

from __future__ import annotations


def words(of: str) -> frozenset[str]:
    return frozenset(of.split())


def in_order(of: str) -> tuple[str, ...]:
    return tuple(of.split())


# Types of columns; `file` is newer.
COLUMN_TYPES = words("""
    virtual primarykey uniqueidentifier char nchar varchar nvarchar ntext text numeric int smallint tinyint bigint
    binary varbinary image float decimal real money smallmoney bit timezone datetime smalldatetime timestamp lookup
    picklist multiselectpicklist partylist customer owner state status sql_variant phoneticguide HierarchyId
    managedproperty file
    """)
REQUIRED_LEVELS = frozenset(("none", "recommended", "required", "systemrequired"))
DISPLAY_MASKS = words("""
    ValidForAdvancedFind ValidForForm ValidForGrid RequiredForForm RequiredForGrid PrimaryName
    ActivityPointerRegardingName ReadOnlyInUI PrimaryImage DenormalizedChild ObjectTypeCode
    """)
FORMATS = {
    "nvarchar": words("text textarea email url phone tickersymbol phoneticguide versionnumber json richtext"),
    "ntext": words("text textarea email json richtext internalextentdata"),
    "int": words("none duration timezone language locale"),
    "datetime": frozenset(("date", "datetime")),
}
COLUMN_SETTINGS = {
    "ImeMode": frozenset(("auto", "inactive", "active", "disabled")),
    "SourceType": frozenset("0123"),
    "AccuracySource": frozenset("012"),
    "Behavior": frozenset("123"),
}
OPTION_SET_TYPES = frozenset(("picklist", "state", "status", "bit"))
OWNERSHIPS = frozenset(("UserOwned", "OrgOwned", "TeamOwned", "BusinessOwned", "BusinessParented", "None"))
CASCADES = frozenset(("NoCascade", "Cascade", "ActiveOnly", "UserOwned"))
CASCADES_OF_REMOVAL = frozenset(("NoCascade", "Cascade", "RemoveLink", "Restrict"))
NAVIGATION_PANE = frozenset(("UseCollectionName", "UseLabel", "DoNotDisplay"))
FORM_TYPES = words("""
    main preview appointmentBook minicampaignbo mobile dashboard interactioncentricdashboard other quick quickCreate
    card mainInteractionCentric taskBasedForm dialog
    """)
PRIVILEGE_LEVELS = frozenset(("Basic", "Local", "Deep", "Global"))
PRIVILEGE_VERBS = ("AppendTo", "Append", "Assign", "Create", "Delete", "Read", "Share", "Write")
FETCH_OPERATORS = words("""
    eq neq ne gt ge le lt like not-like in not-in between not-between null not-null yesterday today tomorrow
    last-seven-days next-seven-days last-week this-week next-week last-month this-month next-month on on-or-before
    on-or-after last-year this-year next-year last-x-hours next-x-hours last-x-days next-x-days last-x-weeks
    next-x-weeks last-x-months next-x-months last-x-years next-x-years olderthan-x-months olderthan-x-years
    olderthan-x-weeks olderthan-x-days olderthan-x-hours olderthan-x-minutes eq-userid ne-userid eq-userteams
    eq-useroruserteams eq-useroruserhierarchy eq-useroruserhierarchyandteams eq-businessid ne-businessid
    eq-userlanguage this-fiscal-year this-fiscal-period next-fiscal-year next-fiscal-period last-fiscal-year
    last-fiscal-period last-x-fiscal-years last-x-fiscal-periods next-x-fiscal-years next-x-fiscal-periods
    in-fiscal-year in-fiscal-period in-fiscal-period-and-year in-or-before-fiscal-period-and-year
    in-or-after-fiscal-period-and-year begins-with not-begin-with ends-with not-end-with under eq-or-under not-under
    above eq-or-above contain-values not-contain-values
    """)
# What an element of this name may hold; anything else is a slip of the pen.
CHILDREN = {
    "Entity": words("""
        Name ObjectTypeCode EntityInfo FormXml SavedQueries Visualizations RibbonDiffXml Icons Strings HierarchyRules
        CustomControlDefaultConfigs indexes
        """),
    "attribute": words("""
        Type Name LogicalName ExternalName IsCustomField ValidForCreateApi ValidForReadApi ValidForUpdateApi
        DisplayMask Length IsLogical AttributeOf YomiOf CalculationOf AggregateOf IsAuditEnabled XmlAbbreviation
        ImeMode RequiredLevel LinkedAttribute Format MaxLength MinValue MaxValue Accuracy Descriptions displaynames
        OptionSetName optionset AppDefaultValue AccuracySource ReferencedEntityObjectTypeCode LookupBrowse
        LookupStyle LookupTypes IsSecured IsCustomizable IsRenameable CanModifySearchSettings
        CanModifyRequirementLevelSettings CanModifyFieldLevelSecuritySettings CanModifyAdditionalSettings
        IntroducedVersion SourceType FormulaDefinitionFileName Behavior CanChangeDateTimeBehavior
        IsGlobalFilterEnabled IsSortableEnabled CanModifyGlobalFilterSettings CanModifyIsSortableSettings IsActive
        IsDataSourceSecret AutoNumberFormat IsSearchable IsFilterable IsRetrievable IsLocalizable
        """),
    "EntityKey": words("Name LogicalName IntroducedVersion IsCustomizable displaynames EntityKeyAttributes"),
    "EntityRelationship": words("""
        EntityRelationshipType IntroducedVersion IsHierarchical IsCustomizable ReferencingAttributeName
        ReferencingAttributeRequiredLevel RelationshipDescription ReferencingEntityName ReferencedEntityName
        FirstEntityName SecondEntityName IntersectEntityName CascadeAssign CascadeDelete CascadeReparent CascadeShare
        CascadeUnshare CascadeRollupView IsValidForAdvancedFind field EntityRelationshipRoles CascadeArchive
        """),
    "systemform": words("""
        formid IsCustomizable IntroducedVersion CanBeDeleted FormPresentation FormActivationState form LocalizedNames
        Descriptions
        """),
    "savedquery": words("""
        savedqueryid queryapi LocalizedNames Descriptions IsCustomizable CanBeDeleted isquickfindquery fetchxml
        IntroducedVersion isdefault isprivate returnedtypecode conditionalformatting layoutxml querytype columnsetxml
        """),
}
# What an element of this name may hold, in this order.
ORDERS = {
    "SdkMessageProcessingStep": in_order("""
        PluginTypeName PluginTypeId PrimaryEntity SecondaryEntity AsyncAutoDelete Configuration Description
        FilteringAttributes ImpersonatingUserIdName InvocationSource Mode Rank SdkMessageId EventHandler
        EventHandlerTypeCode Stage IsCustomizable IsHidden SupportedDeployment IntroducedVersion
        SdkMessageProcessingStepImages
        """),
    "SdkMessageProcessingStepImage": in_order("""
        Description SdkMessageProcessingStepImageId Attributes EntityAlias ImageType MessagePropertyName
        RelatedAttributeName IsCustomizable IntroducedVersion
        """),
    "ServiceEndpoint": in_order("""
        ConnectionMode Contract Description Path SolutionNamespace UserClaim IsCustomizable AuthType MessageFormat
        NamespaceAddress NamespaceFormat SASKeyName Url UseKeyVaultConfiguration
        """),
    "optionset": in_order("""
        OptionSetType IsGlobal IntroducedVersion IsCustomizable ExternalTypeName displaynames Descriptions options
        statuses states
        """),
}
# The parts of customizations.xml in their order. Newer exports put others between them: images, canvas apps, flows'
# connections, and whatever tables a Microsoft product makes part of solutions; those have no order here.
TOP_LEVEL = in_order("""
    Entities Roles Workflows FieldSecurityProfiles Templates RibbonDiffXml IsvConfig RelationshipRoles ConnectionRoles
    SiteMap EntityMaps EntityRelationships OrganizationSettings optionsets Reports RoutingRules ChannelPropertyGroups
    ConvertRules MobileOfflineProfiles Slas ChannelAccessProfiles ChannelAccessProfileRules Dashboards
    InteractionCentricDashboards Dialogs WebResources CustomControls SolutionPluginAssemblies
    SdkMessageProcessingSteps ServiceEndpoints AppModuleSiteMaps AppModules EntityDataProviders EntityDataSources
    Languages GlobalSearchConfigurations StoredProcedures
    """)
MANIFEST_ORDER = in_order(
    "UniqueName LocalizedNames Descriptions Version Managed Publisher RootComponents MissingDependencies"
)
PUBLISHER_ORDER = in_order("""
    UniqueName LocalizedNames Descriptions EMailAddress SupportingWebsiteUrl CustomizationPrefix
    CustomizationOptionValuePrefix Addresses
    """)
